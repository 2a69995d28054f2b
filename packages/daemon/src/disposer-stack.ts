/** Anything that is given back by closing it. `close` is idempotent. */
export interface Closeable {
  close(): void | Promise<void>
}

/** Gives one thing back. */
export type Disposer = () => void | Promise<void>

/**
 * What has to be undone, undone in reverse order: each step finishes before the next begins, and one that fails is
 * reported and does not hold up the others. `dispose` never rejects.
 */
export class DisposerStack {
  readonly #entries: { name: string; dispose: Disposer }[] = []
  readonly #onError: (name: string, error: unknown) => void
  #disposing: Promise<void> | undefined
  #finished = false
  #current: string | undefined

  /** @param onError told of each disposer that throws or rejects; must not throw itself */
  constructor(onError: (name: string, error: unknown) => void) {
    this.#onError = onError
  }

  /** The disposer that is running right now: what a shutdown that hangs is waiting for. */
  get current(): string | undefined {
    return this.#current
  }

  /** Registers a step. One that comes after `dispose` has ended (its resource came too late) runs at once. */
  defer(name: string, dispose: Disposer): void {
    this.#entries.push({ name, dispose })
    if (this.#finished) void this.#drain()
  }

  /** Registers `resource.close` and returns the resource. */
  use<T extends Closeable>(name: string, resource: T): T {
    this.defer(name, () => resource.close())
    return resource
  }

  /** Forgets all steps without running them: what was made is meant to stay. */
  dismiss(): void {
    this.#entries.length = 0
  }

  /** Runs all steps, last registered first, those that are registered meanwhile too. Idempotent. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#drain()
    return this.#disposing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  async #drain(): Promise<void> {
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      this.#current = entry.name
      try {
        await entry.dispose()
      } catch (error) {
        this.#onError(entry.name, error)
      }
    }
    this.#current = undefined
    this.#finished = true
  }
}
