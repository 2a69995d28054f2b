import { BULK_BYTES, BULK_BYTES_PER_MS } from './limits.js'

/** An account holds no more: bounds how long a stream stays bulk after it has stopped. */
const CEILING_BYTES = 2 * BULK_BYTES

/** What a stream has sent lately: grows with each frame, drains with time. Above `BULK_BYTES` it is bulk until it has drained. */
export class SendAccount {
  #bytes = 0
  #atMs = 0
  #isBulk = false

  charge(bytes: number, nowMs: number): void {
    const left = this.#left(nowMs)
    this.#bytes = Math.min(CEILING_BYTES, left + bytes)
    this.#atMs = nowMs
    if (this.#bytes > BULK_BYTES) this.#isBulk = true
    else if (left === 0) this.#isBulk = false
  }

  isBulk(nowMs: number): boolean {
    return this.#isBulk && this.#left(nowMs) > 0
  }

  #left(nowMs: number): number {
    return Math.max(0, this.#bytes - (nowMs - this.#atMs) * BULK_BYTES_PER_MS)
  }
}
