import assert from 'node:assert/strict'
import type { StreamError, TunnelStream } from '@reversed-vpn/streams/testing'
import type { Random } from './random.js'

const PATTERN = Buffer.from(
  Uint8Array.from({ length: 65_521 }, (_, index) => (index * 167 + (index >> 7)) & 0xff),
)

/** What stream `key` says in a direction, from `offset`. */
function content(key: number, direction: number, offset: number, bytes: number): Buffer {
  const start = (key * 7919 + direction * 31_337 + offset) % PATTERN.length
  const turns = Math.ceil((start + bytes) / PATTERN.length)
  return Buffer.concat(new Array<Buffer>(turns).fill(PATTERN)).subarray(start, start + bytes)
}

/** One end of a stream with what it is to say and what it has heard. Every byte is compared as it is read. */
export class ModelEnd {
  readonly stream: TunnelStream
  readonly plannedBytes: number
  sentBytes = 0
  receivedBytes = 0
  hasHeardEnd = false
  hasReset = false
  error: StreamError | undefined
  other: ModelEnd | undefined
  readonly #key: number
  readonly #direction: 0 | 1
  #isTaking = true

  constructor(stream: TunnelStream, key: number, direction: 0 | 1, random: Random) {
    this.stream = stream
    this.#key = key
    this.#direction = direction
    this.plannedBytes = random.skewed(1_500_000)
    stream.on('error', (error) => {
      this.error = error as StreamError
    })
    stream.on('end', () => {
      this.hasHeardEnd = true
    })
    stream.on('drain', () => {
      this.#isTaking = true
    })
  }

  get isOver(): boolean {
    return this.stream.destroyed
  }

  get isBroken(): boolean {
    return this.hasReset || this.error !== undefined
  }

  write(bytes: number): void {
    if (this.isOver || this.stream.writableEnded || !this.#isTaking) return
    const count = Math.min(bytes, this.plannedBytes - this.sentBytes)
    if (count > 0) {
      this.#isTaking = this.stream.write(content(this.#key, this.#direction, this.sentBytes, count))
      this.sentBytes += count
    }
    if (this.sentBytes === this.plannedBytes) this.stream.end()
  }

  read(): void {
    if (this.isOver) return
    for (let chunk = this.stream.read(); chunk !== null; chunk = this.stream.read()) {
      const expected = content(this.#key, 1 - this.#direction, this.receivedBytes, chunk.length)
      assert.ok(expected.equals(chunk), `stream ${this.#key}: other bytes from ${this.receivedBytes}`)
      this.receivedBytes += chunk.length
    }
  }

  reset(): void {
    if (this.isOver) return
    this.hasReset = true
    this.stream.destroy()
  }

  /** What must hold once nothing is under way. */
  check(): void {
    const { other } = this
    assert.ok(other !== undefined, `stream ${this.#key} was opened at both ends`)
    assert.ok(this.isOver, `stream ${this.#key} is over`)
    assert.ok(this.receivedBytes <= other.sentBytes)
    if (this.error !== undefined) {
      assert.equal(this.error.reason, 'cancelled', `stream ${this.#key}: ${this.error.message}`)
      assert.ok(other.hasReset, `stream ${this.#key} was reset by nobody`)
    }
    if (this.isBroken || other.isBroken) return
    assert.equal(this.receivedBytes, other.sentBytes, `stream ${this.#key}`)
    assert.equal(other.sentBytes, other.plannedBytes)
    assert.ok(this.hasHeardEnd, `stream ${this.#key} ended`)
  }
}
