import type { ProbeFailure } from './judge-answer.js'

/** One probe that has ended. */
export interface ProbeResult {
  readonly address: string
  /** Undefined: the path is proved. */
  readonly failure: ProbeFailure | undefined
  /** `connected` or the code of the error. */
  readonly code: string
  /** By a clock that only goes forward, in ms. */
  readonly startedAtMs: number
  readonly tookMs: number
}

/** One may be lost under load, or as the session changes. */
const FAILURES_TO_TURN_BAD = 2

/** What the probes of one target come to. */
export class TargetState {
  #last: ProbeResult | undefined
  #sinceMs = 0
  #failures = 0
  #failuresInAll = 0

  get last(): ProbeResult | undefined {
    return this.#last
  }

  /** Probes in a row that were not answered. */
  get failures(): number {
    return this.#failures
  }

  /** Since the start. */
  get failuresInAll(): number {
    return this.#failuresInAll
  }

  get isBad(): boolean {
    return this.#failures >= FAILURES_TO_TURN_BAD
  }

  /** When the first of the probes began that ended like the last one, by the same clock. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** @returns what it changes: after two failures in a row `lost`, with the next answer `found`, and how long it was lost */
  take(result: ProbeResult): { readonly became: 'lost' | 'found'; readonly lostForMs: number } | undefined {
    const { failure, startedAtMs } = result
    const [wasBad, sinceMs] = [this.isBad, this.#sinceMs]
    const isChange =
      this.#last === undefined || (this.#last.failure === undefined) !== (failure === undefined)
    if (isChange) this.#sinceMs = startedAtMs
    this.#failures = failure === undefined ? 0 : this.#failures + 1
    if (failure !== undefined) this.#failuresInAll++
    this.#last = result
    if (this.isBad === wasBad) return undefined
    return this.isBad
      ? { became: 'lost', lostForMs: 0 }
      : { became: 'found', lostForMs: startedAtMs + result.tookMs - sinceMs }
  }
}
