export interface BackoffOptions {
  /** The first wait is drawn below this. */
  readonly minMs: number
  /** No wait is longer. */
  readonly maxMs: number
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number
}

/**
 * How long to wait before dialling again: uniform between 0 and a bound that doubles with each failure ("full
 * jitter"), so that thousands of clients that lost the same endpoint together do not come back together.
 */
export class Backoff {
  readonly #options: BackoffOptions
  #failures = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** The wait after one more failure, in milliseconds: at least a hundredth of the bound. */
  nextMs(): number {
    const { minMs, maxMs, random = Math.random } = this.#options
    const boundMs = Math.min(maxMs, minMs * 2 ** Math.min(this.#failures, 30))
    this.#failures++
    return Math.max(boundMs / 100, random() * boundMs)
  }

  /** After a connection that lasted. */
  reset(): void {
    this.#failures = 0
  }
}
