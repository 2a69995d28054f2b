/** Releases one resource. */
export type Disposer = () => void | Promise<void>

/**
 * Cleanup steps, run in reverse order. Each finishes before the next begins; one that fails is reported and does not keep the
 * others from running. `dispose` never rejects.
 */
export class DisposerStack {
  readonly #entries: { name: string; dispose: Disposer }[] = []
  readonly #onError: (name: string, error: unknown) => void
  #disposing: Promise<void> | undefined
  #finished = false
  #current: string | undefined

  /** @param onError called for each step that throws or rejects; must not throw */
  constructor(onError: (name: string, error: unknown) => void) {
    this.#onError = onError
  }

  /** The step that is running now: what a hanging shutdown waits for. */
  get current(): string | undefined {
    return this.#current
  }

  /** Registers a step. It runs at once if `dispose` has finished already, because its resource came too late. */
  defer(name: string, dispose: Disposer): void {
    this.#entries.push({ name, dispose })
    if (this.#finished) void this.#drain()
  }

  /** Runs all steps, last registered first, including those that are registered meanwhile. Idempotent. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#drain()
    return this.#disposing
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
