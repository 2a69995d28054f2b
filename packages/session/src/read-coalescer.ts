/** A wakeup that brings less, two TLS records, costs more than what it brings. */
const SMALL_WAKEUP_BYTES = 32_768

/** Chunks closer together than this come from one wakeup. */
const SAME_WAKEUP_MS = 0.1

/** Rates are taken over at least this long. */
const WINDOW_MS = 1

/** For so many windows in a row. A shorter stretch is faster bulk that was held up for a moment. */
const STEADY_WINDOWS = 8

/** Bytes a millisecond. Less is no bulk, and no answer may be late; with more, wakeups bring much. */
const RATE = { min: 8_192, max: 131_072 } as const

/**
 * Decides when reading should pause, so that bulk that comes in small pieces gathers in the kernel: many
 * wakeups, each for little. A proxy that relays 2 KiB at a time sends like that.
 *
 * A pause begins with the first chunk of a wakeup, since nobody knows which will be its last. The wakeup
 * after a pause brings all that has gathered; no pause follows on that one or the next.
 */
export class ReadCoalescer {
  #windowSinceMs = 0
  #windowBytes = 0
  #steadyWindows = 0
  #lastChunkAtMs = 0
  #wakeupBytes = 0
  #wakeupsSincePause = 0

  /** Takes note of a chunk. Returns whether reading should pause. */
  add(bytes: number, nowMs: number): boolean {
    this.#measure(bytes, nowMs)
    const isSameWakeup = nowMs - this.#lastChunkAtMs < SAME_WAKEUP_MS
    this.#lastChunkAtMs = nowMs
    if (isSameWakeup) {
      this.#wakeupBytes += bytes
      return false
    }
    const wasSmall = this.#wakeupsSincePause > 1 && this.#wakeupBytes < SMALL_WAKEUP_BYTES
    this.#wakeupBytes = bytes
    this.#wakeupsSincePause++
    if (this.#steadyWindows < STEADY_WINDOWS || !wasSmall) return false
    this.#wakeupsSincePause = 0
    return true
  }

  #measure(bytes: number, nowMs: number): void {
    this.#windowBytes += bytes
    const windowMs = nowMs - this.#windowSinceMs
    if (windowMs < WINDOW_MS) return
    const rate = this.#windowBytes / windowMs
    this.#steadyWindows = rate >= RATE.min && rate <= RATE.max ? this.#steadyWindows + 1 : 0
    this.#windowSinceMs = nowMs
    this.#windowBytes = 0
  }
}
