import { untilSettled } from '@reversed-vpn/relay'
import { EgressRefusal } from './egress-refusal.js'

/** Whether the tunnel can take a new connection now. */
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
  readonly release: () => void
  readonly refuse: (refusal: EgressRefusal) => void
}

/** Holds requests while the tunnel is down and releases them in order of arrival. Bounded in number and time. */
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
   * @param maxMs what the request may still wait where that is less than `holdMs`
   * @throws EgressRefusal `tunnel-down` after that time, `hold-full` at once, `shutting-down` once closed
   * @throws the signal's reason when that aborts: the place in the queue is free at once
   */
  async pass(signal: AbortSignal, maxMs: number): Promise<void> {
    signal.throwIfAborted()
    if (this.#isClosed) throw new EgressRefusal('shutting-down', 'no more requests are accepted')
    if (this.#gate.isUp && this.#held.size === 0) return
    const { holdMs, holdMax } = this.#options
    if (this.#held.size >= holdMax)
      throw new EgressRefusal('hold-full', `${holdMax} requests wait for it already`)
    await this.#hold(signal, Math.min(holdMs, Math.max(0, Math.round(maxMs))))
  }

  /** Refuses everyone who waits, and all who come. Idempotent. */
  close(): void {
    this.#isClosed = true
    const refusal = new EgressRefusal('shutting-down', 'no more requests are accepted')
    for (const held of [...this.#held]) held.refuse(refusal)
  }

  #hold(signal: AbortSignal, holdMs: number): Promise<void> {
    return untilSettled(signal, (resolve, reject) => {
      const held: Held = { release: resolve, refuse: reject }
      const timer = setTimeout(
        () => reject(new EgressRefusal('tunnel-down', `not back within ${holdMs} ms`)),
        holdMs,
      )
      this.#held.add(held)
      this.#startWatching()
      return () => {
        clearTimeout(timer)
        this.#held.delete(held)
        if (this.#held.size === 0) this.#stopWatching()
      }
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
      held.release()
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
