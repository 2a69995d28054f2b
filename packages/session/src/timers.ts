/** Node can wait no longer, and fires at once when it is to. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** A wait that Node can keep: a multiple of an option may be longer. */
export function keepable(ms: number): number {
  return Math.min(ms, LONGEST_WAIT_MS)
}

/** Timers that end together. None of them keeps the process alive. */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>()
  #isClosed = false

  /** @returns undefined once {@link close} was called: nothing is started then */
  start(ms: number, work: () => void): NodeJS.Timeout | undefined {
    if (this.#isClosed) return undefined
    const timer = setTimeout(() => {
      this.#running.delete(timer)
      work()
    }, keepable(ms)).unref()
    this.#running.add(timer)
    return timer
  }

  /** Idempotent. */
  stop(timer: NodeJS.Timeout | undefined): void {
    if (timer !== undefined && this.#running.delete(timer)) clearTimeout(timer)
  }

  /** Clears all of them, for good. Idempotent. */
  close(): void {
    this.#isClosed = true
    for (const timer of this.#running) clearTimeout(timer)
    this.#running.clear()
  }
}
