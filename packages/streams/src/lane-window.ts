import {
  LANE_MEASURE_MS,
  LANE_PROBE_BYTES,
  LANE_PROBE_MS,
  LANE_QUEUE_MS,
  LANE_RATE_MS,
  LANE_ROUND_TRIPS,
  LEAST_LANE_WINDOW_BYTES,
  MAX_KEPT_LANE_BYTES,
} from './limits.js'

/** `draining`: waits until little is on its way; `measuring`: times a round trip with little on its way. */
type Probe = 'none' | 'draining' | 'measuring'

/**
 * How much of a lane may be on its way. The kernels on the path take many megabytes before they take no more, and what a stream
 * sends next waits behind all of it. So a lane holds what its rate needs, `LANE_ROUND_TRIPS` of the shortest round trip, and
 * `LANE_QUEUE_MS` more, so that no end has to wait for the other's processor.
 *
 * A measurement begins with a batch. The time until that is acknowledged is a round trip, and what was acknowledged
 * meanwhile, for `LANE_MEASURE_MS` at least, is the rate. The shortest round trip grows old, since paths change. Behind a
 * queue no short one can be seen, so every `LANE_PROBE_MS` a busy lane is let run nearly empty for one.
 */
export class LaneWindow {
  #limitBytes = LEAST_LANE_WINDOW_BYTES
  #shortestMs = Number.POSITIVE_INFINITY
  /** When that was last reached. Before the first there is none to grow old. */
  #shortestAtMs = Number.POSITIVE_INFINITY
  #probe: Probe = 'none'
  /** Bytes a millisecond: the most in this span of `LANE_RATE_MS`, and in the one before. */
  #bestRate = 0
  #lastBestRate = 0
  #spanAtMs = 0
  // The measurement that is under way, and whether its round trip is.
  #isMeasuring = false
  #isTravelling = false
  #lastFrame = 0
  #beganAtMs = 0
  #ackedBytes = 0

  /** Nothing more should be sent while so much is not acknowledged. */
  get limitBytes(): number {
    return this.#limitBytes
  }

  /** A batch was sent, whose last frame is the `frames`-th of the lane. */
  sent(frames: number, nowMs: number): void {
    if (this.#probe === 'draining') this.#probe = 'measuring'
    else if (this.#isMeasuring) return
    this.#isMeasuring = true
    this.#isTravelling = true
    this.#lastFrame = frames
    this.#beganAtMs = nowMs
    this.#ackedBytes = 0
  }

  /**
   * The peer has processed `frames` frames of the lane.
   * @param bytes how much that is more than before
   * @param isLimited whether the limit was reached since the last call
   */
  acknowledged(frames: number, bytes: number, nowMs: number, isLimited: boolean): void {
    this.#ackedBytes += bytes
    const isStale = nowMs - this.#shortestAtMs > LANE_PROBE_MS
    if (isLimited && isStale && this.#probe === 'none') {
      this.#probe = 'draining'
      this.#limitBytes = LANE_PROBE_BYTES
    }
    if (this.#isTravelling && frames >= this.#lastFrame) this.#arrived(nowMs - this.#beganAtMs, nowMs)
    if (this.#isMeasuring && !this.#isTravelling) this.#measure(nowMs - this.#beganAtMs, nowMs)
  }

  #arrived(roundTripMs: number, nowMs: number): void {
    this.#isTravelling = false
    if (roundTripMs > this.#shortestMs && this.#probe !== 'measuring') return
    this.#shortestMs = roundTripMs
    this.#shortestAtMs = nowMs
    this.#probe = 'none'
  }

  #measure(elapsedMs: number, nowMs: number): void {
    if (elapsedMs < LANE_MEASURE_MS) return
    this.#isMeasuring = false
    this.#countRate(this.#ackedBytes / elapsedMs, nowMs)
    if (this.#probe !== 'none') return
    const rate = Math.max(this.#bestRate, this.#lastBestRate)
    const bytes = rate * (LANE_ROUND_TRIPS * this.#shortestMs + LANE_QUEUE_MS)
    this.#limitBytes = Math.min(MAX_KEPT_LANE_BYTES, Math.max(LEAST_LANE_WINDOW_BYTES, bytes))
  }

  #countRate(rate: number, nowMs: number): void {
    const spans = Math.floor((nowMs - this.#spanAtMs) / LANE_RATE_MS)
    if (spans > 0) {
      this.#lastBestRate = spans === 1 ? this.#bestRate : 0
      this.#bestRate = 0
      this.#spanAtMs = nowMs
    }
    this.#bestRate = Math.max(this.#bestRate, rate)
  }
}
