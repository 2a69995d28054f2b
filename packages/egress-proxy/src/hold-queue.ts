import { EgressRefusal } from './egress-refusal.js'

/** Tells whether a tunnel can carry a new connection now. Owned by whoever owns the sessions. */
export interface TunnelGate {
  readonly isUp: boolean
  /** Settles when the tunnel is up. Rejects with the signal's reason when that aborts first. */
  waitUntilUp(signal: AbortSignal): Promise<void>
}

export interface HoldQueueOptions {
  /** How long one request may wait, in ms. */
  readonly holdMs: number
  /** How many may wait at a time. */
  readonly holdMax: number
}

interface Held {
  readonly letGo: () => void
  readonly refuse: (refusal: EgressRefusal) => void
}

/** Holds requests while the tunnel is down and lets them go in order of arrival. Bounded in number and time. */
export class HoldQueue {
  readonly #gate: TunnelGate
  readonly #options: HoldQueueOptions
  readonly #held = new Set<Held>()
  #watch: AbortController | undefined
  #isClosed = false

  constructor(gate: TunnelGate, options: HoldQueueOptions) {
    this.#gate = gate
    this.#options = options
  }

  /** How many are held now. */
  get size(): number {
    return this.#held.size
  }

  /**
   * Returns at once when the tunnel is up and nobody waits, else when it is back.
   *
   * @throws EgressRefusal `tunnel-down` after `holdMs`, `hold-full` at once, `shutting-down` once closed
   * @throws the signal's reason when that aborts: the place in the queue is free at once
   */
  async pass(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#isClosed) throw new EgressRefusal('shutting-down', 'not taking requests any more')
    if (this.#gate.isUp && this.#held.size === 0) return
    const { holdMs, holdMax } = this.#options
    if (this.#held.size >= holdMax)
      throw new EgressRefusal('hold-full', `${holdMax} requests wait for it already`)
    await this.#hold(signal, holdMs)
  }

  /** Refuses everyone who waits, and all who come. Idempotent. */
  close(): void {
    this.#isClosed = true
    const refusal = new EgressRefusal('shutting-down', 'not taking requests any more')
    for (const held of [...this.#held]) held.refuse(refusal)
  }

  #hold(signal: AbortSignal, holdMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (settle: () => void) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        this.#held.delete(held)
        if (this.#held.size === 0) this.#stopWatching()
        settle()
      }
      const held: Held = { letGo: () => leave(resolve), refuse: (refusal) => leave(() => reject(refusal)) }
      const onAbort = () => leave(() => reject(signal.reason))
      const timer = setTimeout(
        () => held.refuse(new EgressRefusal('tunnel-down', `not back within ${holdMs} ms`)),
        holdMs,
      )
      signal.addEventListener('abort', onAbort, { once: true })
      this.#held.add(held)
      this.#startWatching()
    })
  }

  /** One wait at the gate stands for all who are held, so that their order is the queue's and not the gate's. */
  #startWatching(): void {
    if (this.#watch) return
    const watch = new AbortController()
    this.#watch = watch
    this.#gate.waitUntilUp(watch.signal).then(
      () => this.#onGateSettled(watch),
      // A gate that fails opens for nobody: the held time out, and the next arrival asks it again.
      () => {
        if (this.#watch === watch) this.#watch = undefined
      },
    )
  }

  #onGateSettled(watch: AbortController): void {
    if (this.#watch !== watch) return
    this.#watch = undefined
    for (const held of [...this.#held]) {
      if (!this.#gate.isUp) break
      held.letGo()
    }
    // The gate fell again meanwhile. Asked in a later turn, so that a gate that contradicts itself can't spin.
    setImmediate(() => {
      if (this.#held.size > 0) this.#startWatching()
    })
  }

  #stopWatching(): void {
    const watch = this.#watch
    this.#watch = undefined
    watch?.abort()
  }
}
