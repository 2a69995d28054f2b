import { Fifo } from './fifo.js'
import { GATHER_BYTES } from './limits.js'

/**
 * What came and was not read. Small pieces are gathered in memory of their own, so that a peer that sends single bytes costs no
 * more than their window; large ones stay in the chunk they came in, unless that is much larger.
 */
export class ReceiveQueue {
  readonly #chunks = new Fifo<Buffer>()
  /** Where pieces are gathered, and how much of it is filled. */
  #gathered: Buffer | undefined
  #gatheredBytes = 0

  get isEmpty(): boolean {
    return this.#chunks.length === 0 && this.#gatheredBytes === 0
  }

  /** The chunk is kept where the piece is large: it must not be reused. */
  add(chunk: Uint8Array, offset: number, length: number): void {
    if (length < GATHER_BYTES) this.#gather(chunk, offset, length)
    else {
      this.#seal()
      const piece = Buffer.from(chunk.buffer, chunk.byteOffset + offset, length)
      this.#chunks.push(length * 4 < chunk.buffer.byteLength ? Buffer.from(piece) : piece)
    }
  }

  take(): Buffer | undefined {
    if (this.#chunks.length === 0) this.#seal()
    return this.#chunks.shift()
  }

  clear(): void {
    this.#chunks.drain()
    this.#gathered = undefined
    this.#gatheredBytes = 0
  }

  #gather(chunk: Uint8Array, offset: number, length: number): void {
    if (this.#gatheredBytes + length > GATHER_BYTES) this.#seal()
    this.#gathered ??= Buffer.allocUnsafeSlow(GATHER_BYTES)
    this.#gathered.set(chunk.subarray(offset, offset + length), this.#gatheredBytes)
    this.#gatheredBytes += length
  }

  /** Nothing more is put behind what was gathered. */
  #seal(): void {
    if (this.#gathered === undefined) return
    const filled = this.#gathered.subarray(0, this.#gatheredBytes)
    // Little is copied: what is read soon costs its own bytes only.
    this.#chunks.push(filled.length * 4 < GATHER_BYTES ? Buffer.from(filled) : filled)
    this.#gathered = undefined
    this.#gatheredBytes = 0
  }
}
