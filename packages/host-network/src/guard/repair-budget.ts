/** Of one thing, in any minute. */
const REPAIRS = 5
const WINDOW_MS = 60_000

/**
 * Somebody who takes the same things away again and again is not fought without end: says what may be put back now, and counts
 * it.
 */
export class RepairBudget {
  readonly #spent = new Map<string, number[]>()
  readonly #nowMs: () => number

  /** @param nowMs a monotonic clock in milliseconds */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Whether all of these may be put back. */
  take(things: readonly string[]): boolean {
    const now = this.#nowMs()
    for (const [thing, times] of this.#spent) {
      const recent = times.filter((atMs) => now - atMs < WINDOW_MS)
      if (recent.length === 0) this.#spent.delete(thing)
      else this.#spent.set(thing, recent)
    }
    const timesOf = (thing: string) => this.#spent.get(thing) ?? []
    if (things.some((thing) => timesOf(thing).length >= REPAIRS)) return false
    for (const thing of things) this.#spent.set(thing, [...timesOf(thing), now])
    return true
  }
}
