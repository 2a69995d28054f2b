import { setTimeout as delay } from 'node:timers/promises'

/** After a read, so many times its duration pass before the next begins: reads take a fifth of the time at most. */
const REST_FACTOR = 4
const MAX_REST_MS = 1000

/**
 * A costly read that anybody may ask for: it runs once at a time, for all who ask meanwhile, and leaves most of the time to
 * others however often it is asked for.
 */
export class SharedRead<Value> {
  readonly #read: () => Value | Promise<Value>
  #running: Promise<Value> | undefined
  #restsUntilMs = 0

  constructor(read: () => Value | Promise<Value>) {
    this.#read = read
  }

  /** Rejects as the read does. */
  get(): Promise<Value> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(): Promise<Value> {
    const restMs = this.#restsUntilMs - performance.now()
    if (restMs > 0) await delay(restMs)
    const beginMs = performance.now()
    try {
      return await this.#read()
    } finally {
      const nowMs = performance.now()
      this.#restsUntilMs = nowMs + Math.min(REST_FACTOR * (nowMs - beginMs), MAX_REST_MS)
    }
  }
}
