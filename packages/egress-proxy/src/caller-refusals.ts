import type { EgressLogger } from './egress-log.js'

const MAX_SOURCES = 1000

export interface CallerRefusal {
  /** From the closed set of the authoriser. */
  readonly reason: string
  readonly detail: string
}

/** Logs refused callers, one line per source and interval, with the number that came without one. Bounded in sources. */
export class CallerRefusalLog {
  readonly #logger: EgressLogger
  readonly #intervalMs: number
  readonly #suppressed = new Map<string, number>()
  #intervalEndsAtMs = 0

  constructor(logger: EgressLogger, intervalMs: number) {
    this.#logger = logger
    this.#intervalMs = intervalMs
  }

  /** @param source the address of the caller without its port, which is another one each time */
  record(source: string, refusal: CallerRefusal): void {
    this.#rollOver(performance.now())
    const seen = this.#suppressed.get(source)
    if (seen !== undefined) {
      this.#suppressed.set(source, seen + 1)
      return
    }
    if (this.#suppressed.size >= MAX_SOURCES) return
    this.#suppressed.set(source, 0)
    this.#logger.warn({ source, reason: refusal.reason, detail: refusal.detail }, 'egress caller refused')
  }

  #rollOver(nowMs: number): void {
    if (nowMs < this.#intervalEndsAtMs) return
    for (const [source, count] of this.#suppressed) {
      if (count > 0) this.#logger.warn({ source, count }, 'egress caller refused again')
    }
    this.#suppressed.clear()
    this.#intervalEndsAtMs = nowMs + this.#intervalMs
  }
}
