import { createCipheriv, createHash, type Hash, randomBytes } from 'node:crypto'

const BLOCK_BYTES = 64 * 1024

/** What was sent or received: how much, and its SHA-256 in hex. */
export interface Digest {
  readonly bytes: number
  readonly sha256: string
}

/** Takes the digest of what passes. */
export class Tally {
  readonly #hash: Hash = createHash('sha256')
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  add(chunk: Buffer): void {
    this.#hash.update(chunk)
    this.#bytes += chunk.length
  }

  /** Once. */
  digest(): Digest {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') }
  }
}

/** That many bytes, of which no block is like another, so that one that is lost, doubled or moved shows. */
export function* madeUpContent(bytes: number, tally: Tally): Generator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16))
  const zeros = Buffer.alloc(BLOCK_BYTES)
  for (let left = bytes; left > 0; left -= BLOCK_BYTES) {
    const block = cipher.update(zeros.subarray(0, Math.min(left, BLOCK_BYTES)))
    tally.add(block)
    yield block
  }
}
