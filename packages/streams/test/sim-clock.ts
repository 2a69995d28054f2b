/** Time that passes when a test says so. */
export class SimClock {
  nowMs = 1000
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>()

  readonly now = (): number => this.nowMs

  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { atMs: this.nowMs + ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get timers(): number {
    return this.#timers.size
  }

  advance(ms: number): void {
    this.nowMs += ms
    for (const timer of [...this.#timers].sort((one, other) => one.atMs - other.atMs)) {
      if (timer.atMs > this.nowMs || !this.#timers.delete(timer)) continue
      timer.run()
    }
  }
}
