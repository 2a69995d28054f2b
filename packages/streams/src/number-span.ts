/** What is new about a number. */
type Novelty = 'new' | 'used' | 'too-far'

/**
 * Which of the numbers 1, 2, 3 … were used, where they may come out of order. Takes memory for those that are missing below the
 * highest, whose count is bounded.
 */
export class NumberSpan {
  readonly #missing = new Set<number>()
  readonly #maxMissing: number
  #highest = 0

  constructor(maxMissing: number) {
    this.#maxMissing = maxMissing
  }

  has(number: number): boolean {
    return number <= this.#highest && !this.#missing.has(number)
  }

  /** Notes a number unless it was used, or would leave too many missing below it. */
  add(number: number): Novelty {
    if (number <= this.#highest) return this.#missing.delete(number) ? 'new' : 'used'
    if (number - this.#highest - 1 + this.#missing.size > this.#maxMissing) return 'too-far'
    for (let between = this.#highest + 1; between < number; between++) this.#missing.add(between)
    this.#highest = number
    return 'new'
  }
}
