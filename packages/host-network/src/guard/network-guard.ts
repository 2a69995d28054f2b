import { setImmediate as untilHeard } from 'node:timers/promises'
import type { ComparableNetwork, UpdatableNetwork } from '../apply/apply-network.js'
import type { NetworkDifference } from '../apply/difference.js'
import type { Diversion } from '../apply/diversions.js'
import { type NetworkEvents, watchNetworkEvents } from './network-events.js'
import { RepairBudget } from './repair-budget.js'

/** What a guard does with what it sees. */
interface NetworkGuardOptions {
  /** Nothing is to be read from the TUN or written to it while `false`. */
  readonly setCarrying: (isCarrying: boolean) => void
  /** Called when all that was missing was put back. */
  readonly onRepaired: (missing: readonly NetworkDifference[]) => void
  /** Called when others than before stay missing, and with none when all stands again. */
  readonly onStanding: (missing: readonly NetworkDifference[]) => void
  /** Called when others than before are diverted while nothing is missing, and with none when that is over. */
  readonly onDiverted: (diversions: readonly Diversion[]) => void
  /** A comparison or a repair failed; it is tried again. */
  readonly onError: (error: unknown) => void
  /** @default every 10 s */
  readonly intervalMs?: number
  /** @default `watchNetworkEvents` */
  readonly watchEvents?: typeof watchNetworkEvents
}

const INTERVAL_MS = 10_000

/** Changes come in groups. */
const SETTLE_MS = 20

/** Between comparisons where others change addresses and rules of theirs all the time. */
const PACE_MS = 400

/** With a pause of `PACE_MS` in between. */
const MANY_FAILURES = 3

/**
 * The same network, guarded until it is closed: it is compared with what it should be whenever the kernel tells of a change and
 * from time to time, and put back where that may be done. While it is not as it should be, nothing is carried.
 */
export function guardNetwork<Plan>(
  network: UpdatableNetwork<Plan>,
  options: NetworkGuardOptions,
): UpdatableNetwork<Plan> {
  const guard = new NetworkGuard(network, options)
  const close = async () => {
    await guard.close()
    return network.close()
  }
  return {
    ...network,
    update: (plan) => guard.during(() => network.update(plan)),
    close,
    revert: async () => {
      await guard.close()
      await network.revert()
    },
    [Symbol.asyncDispose]: async () => void (await close()),
  }
}

class NetworkGuard {
  readonly #network: ComparableNetwork
  readonly #options: NetworkGuardOptions
  readonly #events: NetworkEvents
  readonly #budget = new RepairBudget()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY
  /** Since the last comparison began. */
  #changed: 'firewall' | 'links' | undefined
  #isClosed = false
  #ownChanges = 0
  /** Comparisons that failed one after the other. */
  #failures = 0
  #said = '[]'
  #saidDiverted = '[]'

  constructor(network: ComparableNetwork, options: NetworkGuardOptions) {
    const { watchEvents = watchNetworkEvents } = options
    this.#network = network
    this.#options = options
    this.#events = watchEvents(network.tun, (object) => this.#onChange(object))
    this.#schedule(SETTLE_MS)
  }

  /** Makes a change of our own: what the kernel tells of it is no news. */
  async during<T>(change: () => Promise<T>): Promise<T> {
    this.#ownChanges += 1
    try {
      return await change()
    } finally {
      this.#events.discard()
      this.#ownChanges -= 1
      this.#changed ??= 'links'
      this.#schedule(SETTLE_MS)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#events.close()
    await this.#looking
  }

  #onChange(object: 'firewall' | 'links'): void {
    if (this.#isClosed || this.#ownChanges > 0) return
    // At once: where the firewall is gone, nothing must come in until that is known. For routes there are fallbacks.
    if (object === 'firewall') this.#options.setCarrying(false)
    if (this.#changed !== 'firewall') this.#changed = object
    this.#schedule(this.#waitMs())
  }

  #waitMs(): number {
    const { intervalMs = INTERVAL_MS } = this.#options
    if (this.#changed === undefined) return intervalMs
    const paceMs = this.#changed === 'firewall' ? 0 : this.#lookedAtMs + PACE_MS - performance.now()
    return Math.max(SETTLE_MS, paceMs)
  }

  #schedule(afterMs: number): void {
    if (this.#isClosed || this.#looking !== undefined) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#start(), afterMs)
  }

  #start(): void {
    this.#changed = undefined
    this.#looking = this.#look()
      .then(
        () => {
          this.#failures = 0
        },
        (error) => this.#onFailure(error),
      )
      .finally(() => {
        this.#looking = undefined
        this.#lookedAtMs = performance.now()
        this.#schedule(this.#waitMs())
      })
  }

  async #look(): Promise<void> {
    const { setCarrying, onRepaired, onError } = this.#options
    const missing = await this.#network.compare()
    const { repair } = this.#network
    if (missing.length > 0 && !isFinal(missing)) setCarrying(false)
    if (missing.length === 0 || isFinal(missing) || repair === undefined || !this.#mayRepair(missing)) {
      this.#settle(missing)
      if (missing.length === 0) await this.#lookForDiversions().catch(onError)
      return
    }
    await this.during(() => repair(missing)).catch(onError)
    this.#changed = undefined
    const left = await this.#network.compare()
    if (left.length === 0) onRepaired(missing)
    this.#settle(left)
  }

  /** Of no use while something of ours is missing: the next look, which is then due, finds out. */
  async #lookForDiversions(): Promise<void> {
    const diversions = await this.#network.findDiversions()
    await untilHeard()
    if (this.#changed !== undefined || this.#isClosed) return
    const words = JSON.stringify(diversions)
    if (words !== this.#saidDiverted) this.#options.onDiverted(diversions)
    this.#saidDiverted = words
  }

  #mayRepair(missing: readonly NetworkDifference[]): boolean {
    return this.#budget.take(missing.map(({ words }) => words))
  }

  /** One that fails says nothing, several in a row that nobody knows what is carried. */
  #onFailure(error: unknown): void {
    this.#options.onError(error)
    this.#failures += 1
    this.#changed ??= 'links'
    if (this.#failures < MANY_FAILURES) return
    this.#changed = undefined
    this.#settle([{ object: 'interface', words: `it could not be compared: ${(error as Error).message}` }])
  }

  /**
   * Carried again is what stands; a firewall that changed meanwhile is looked at first. An interface that is gone is for its
   * reader to find.
   */
  #settle(missing: readonly NetworkDifference[]): void {
    if (this.#changed === 'firewall' || this.#isClosed) return
    const words = JSON.stringify(missing)
    if (words !== this.#said) this.#options.onStanding(missing)
    this.#said = words
    this.#options.setCarrying(missing.length === 0 || isFinal(missing))
  }
}

function isFinal(missing: readonly NetworkDifference[]): boolean {
  return missing.some((difference) => difference.isFinal === true)
}
