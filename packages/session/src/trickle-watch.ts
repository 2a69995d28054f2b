/** A wakeup that brought less was for little: two TLS records. */
const SMALL_WAKEUP_BYTES = 32_768

/** Between chunks of one wakeup there is less. */
const SAME_WAKEUP_MS = 0.1

/** Rates are taken over at least this long. */
const WINDOW_MS = 1

/** So many windows in a row, or it is something faster that was held up. */
const STEADY_WINDOWS = 8

/** Bytes a millisecond. Below, it is no bulk, and nobody's answer may be late; above, wakeups are for much by themselves. */
const TRICKLE = { min: 8_192, max: 131_072 } as const

/**
 * Tells when bulk comes in small pieces: many wakeups, each for little. A proxy that relays 2 KiB at a time does that.
 *
 * A pause begins with the first chunk of a wakeup, since nobody knows which will be its last. The wakeup after a pause brings all that
 * has gathered, so that one and the next are let pass.
 */
export class TrickleWatch {
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
    this.#steadyWindows = rate >= TRICKLE.min && rate <= TRICKLE.max ? this.#steadyWindows + 1 : 0
    this.#windowSinceMs = nowMs
    this.#windowBytes = 0
  }
}
