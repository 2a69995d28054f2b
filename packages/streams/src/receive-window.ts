import { MAX_STREAM_WINDOW_BYTES } from '@reversed-vpn/protocol'
import { FULL_WINDOW_BYTES, LEAST_WINDOW_BYTES, SMALL_WINDOW_BYTES } from './limits.js'

/** What all streams of a process have promised to take. Each may have the least window, whatever the others have. */
export class WindowBudget {
  readonly #maxBytes: number
  #promisedBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get promisedBytes(): number {
    return this.#promisedBytes
  }

  /** Whether windows should shrink: an eighth or less is left. */
  get isShort(): boolean {
    return this.#promisedBytes > this.#maxBytes * 0.875
  }

  /** The first window of a stream, taken. */
  takeFirst(): number {
    const [half, most] = [this.#maxBytes / 2, this.#maxBytes * 0.875]
    const bytes =
      this.#promisedBytes + FULL_WINDOW_BYTES <= half
        ? FULL_WINDOW_BYTES
        : this.#promisedBytes + SMALL_WINDOW_BYTES <= most
          ? SMALL_WINDOW_BYTES
          : LEAST_WINDOW_BYTES
    this.#promisedBytes += bytes
    return bytes
  }

  /** Takes so much more, if a quarter is left for new streams then. */
  takeMore(bytes: number): boolean {
    const isThere = this.#promisedBytes + bytes <= this.#maxBytes * 0.75
    if (isThere) this.#promisedBytes += bytes
    return isThere
  }

  giveBack(bytes: number): void {
    this.#promisedBytes -= bytes
  }
}

/**
 * How much the peer may send on one stream. The window is the sum of what was granted and not used, what was received and not
 * consumed, and what was consumed and not granted again.
 */
export class ReceiveWindow {
  readonly #budget: WindowBudget
  #windowBytes: number
  #grantedBytes: number
  #consumedBytes = 0
  #countedBytes = 0
  #sinceMs: number
  #isFinished = false

  constructor(budget: WindowBudget, nowMs: number) {
    this.#budget = budget
    this.#windowBytes = budget.takeFirst()
    this.#grantedBytes = this.#windowBytes
    this.#sinceMs = nowMs
  }

  get windowBytes(): number {
    return this.#windowBytes
  }

  /** Data came. @returns false if the peer was not granted so much */
  receive(bytes: number): boolean {
    if (bytes > this.#grantedBytes) return false
    this.#grantedBytes -= bytes
    return true
  }

  /** Data was handed on. @param rttMs of the lane; undefined while it is not known: the window does not grow then */
  consume(bytes: number, nowMs: number, rttMs: number | undefined): void {
    if (this.#isFinished) {
      this.#shrink(bytes)
      return
    }
    this.#consumedBytes += bytes
    this.#countedBytes += bytes
    if (this.#countedBytes * 2 >= this.#windowBytes) this.#adapt(nowMs, rttMs)
  }

  /** What the peer should be granted now; 0: nothing yet. */
  get dueBytes(): number {
    return this.#consumedBytes * 4 >= this.#windowBytes && !this.#isFinished ? this.#consumedBytes : 0
  }

  /** The peer was granted that. */
  grant(bytes: number): void {
    this.#consumedBytes -= bytes
    this.#grantedBytes += bytes
  }

  /** The peer sends no more: only what was not consumed is held. */
  finish(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.#shrink(this.#grantedBytes + this.#consumedBytes)
  }

  /** Nothing is held any more. Idempotent. */
  release(): void {
    this.#isFinished = true
    this.#shrink(this.#windowBytes)
  }

  /** After half a window: doubles it when that took less than two round trips, or makes it smaller when all are short. */
  #adapt(nowMs: number, rttMs: number | undefined): void {
    const isFast = rttMs !== undefined && nowMs - this.#sinceMs < 2 * rttMs
    this.#countedBytes = 0
    this.#sinceMs = nowMs
    if (this.#budget.isShort) {
      const bytes = Math.min(this.#consumedBytes, this.#windowBytes - LEAST_WINDOW_BYTES)
      this.#consumedBytes -= bytes
      this.#shrink(bytes)
    } else if (isFast && this.#windowBytes < MAX_STREAM_WINDOW_BYTES) {
      const bytes = Math.min(this.#windowBytes, MAX_STREAM_WINDOW_BYTES - this.#windowBytes)
      if (!this.#budget.takeMore(bytes)) return
      this.#windowBytes += bytes
      this.#consumedBytes += bytes
    }
  }

  #shrink(bytes: number): void {
    const given = Math.min(bytes, this.#windowBytes)
    this.#windowBytes -= given
    this.#budget.giveBack(given)
  }
}
