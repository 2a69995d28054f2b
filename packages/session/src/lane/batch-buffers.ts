import { BATCH_BYTES, BATCHES_IN_FLIGHT } from '../limits.js'

/** The buffers that a lane reads its batches into: a bounded number, made on first use and used again. */
export class BatchBuffers {
  readonly #free: Buffer[] = []
  #made = 0

  /** Undefined while all of them are on their way into the stream. */
  take(): Buffer | undefined {
    const free = this.#free.pop()
    if (free !== undefined || this.#made === BATCHES_IN_FLIGHT) return free
    this.#made++
    return Buffer.allocUnsafeSlow(BATCH_BYTES)
  }

  /** Gives one back. Nobody may read it any more. */
  release(buffer: Buffer): void {
    this.#free.push(buffer)
  }
}
