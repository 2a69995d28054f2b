import { BATCH_BYTES, BATCHES_IN_FLIGHT } from '../limits.js'

/** The buffers that a lane reads its batches into: a bounded number, allocated on first use and reused. */
export class BatchBuffers {
  readonly #free: Buffer[] = []
  #made = 0

  /** Undefined while the stream holds all of them. */
  take(): Buffer | undefined {
    const free = this.#free.pop()
    if (free !== undefined || this.#made === BATCHES_IN_FLIGHT) return free
    this.#made++
    return Buffer.allocUnsafeSlow(BATCH_BYTES)
  }

  /** Gives one back. The stream must be done with it. */
  release(buffer: Buffer): void {
    this.#free.push(buffer)
  }
}
