import { type Lookup, untilSettled } from '@reversed-vpn/relay'
import { EgressRefusal } from './egress-refusal.js'
import type { EgressLimits } from './limits.js'

/** A look-up counts until it has ended, not until its callers have stopped waiting. */
type LookupLimits = Pick<EgressLimits, 'maxLookups' | 'maxQueuedLookups' | 'lookupTimeoutMs'>

interface Waiter {
  readonly onAnswer: (addresses: readonly string[]) => void
  readonly onFailure: (error: unknown) => void
}

interface Flight {
  readonly name: string
  readonly waiters: Set<Waiter>
}

/** Looks names up with a deadline, a bound on how many at a time, and one look-up for all who ask for the same name. */
export class TargetResolver {
  readonly #lookup: Lookup
  readonly #limits: LookupLimits
  readonly #flights = new Map<string, Flight>()
  readonly #queue = new Set<Flight>()
  #active = 0

  constructor(lookup: Lookup, limits: LookupLimits) {
    this.#lookup = lookup
    this.#limits = limits
  }

  /** Look-ups that run now. */
  get active(): number {
    return this.#active
  }

  /**
   * @returns what the look-up found, at least one, unchecked
   * @throws EgressRefusal `no-address`, `lookup-timeout` or `too-many-lookups`
   * @throws the signal's reason when that aborts
   */
  async resolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted()
    const addresses = await this.#join(this.#flights.get(name) ?? this.#enqueue(name), signal)
    if (addresses.length === 0) throw new EgressRefusal('no-address', `${name} has no address`)
    return addresses
  }

  #enqueue(name: string): Flight {
    const { maxLookups, maxQueuedLookups } = this.#limits
    if (this.#active >= maxLookups && this.#queue.size >= maxQueuedLookups) {
      throw new EgressRefusal('too-many-lookups', `${maxLookups} run and ${maxQueuedLookups} wait already`)
    }
    const flight: Flight = { name, waiters: new Set() }
    this.#flights.set(name, flight)
    this.#queue.add(flight)
    return flight
  }

  #join(flight: Flight, signal: AbortSignal): Promise<readonly string[]> {
    const { lookupTimeoutMs } = this.#limits
    return untilSettled(signal, (resolve, reject) => {
      const waiter: Waiter = {
        onAnswer: resolve,
        onFailure: (cause) =>
          reject(new EgressRefusal('no-address', `${flight.name}: ${describe(cause)}`, { cause })),
      }
      const onTimeout = () =>
        reject(new EgressRefusal('lookup-timeout', `${flight.name}: no answer within ${lookupTimeoutMs} ms`))
      const timer = setTimeout(onTimeout, lookupTimeoutMs)
      flight.waiters.add(waiter)
      this.#startQueued()
      return () => {
        clearTimeout(timer)
        flight.waiters.delete(waiter)
        this.#forgetIfUnwanted(flight)
      }
    })
  }

  #startQueued(): void {
    for (const flight of this.#queue) {
      if (this.#active >= this.#limits.maxLookups) return
      this.#queue.delete(flight)
      this.#active++
      void this.#fly(flight)
    }
  }

  async #fly(flight: Flight): Promise<void> {
    try {
      const addresses = await this.#lookup(flight.name)
      this.#land(flight)
      for (const waiter of [...flight.waiters]) waiter.onAnswer(addresses)
    } catch (error) {
      this.#land(flight)
      for (const waiter of [...flight.waiters]) waiter.onFailure(error)
    }
    this.#startQueued()
  }

  #land(flight: Flight): void {
    this.#active--
    this.#flights.delete(flight.name)
  }

  /** A look-up that has not begun and that nobody waits for any more need not begin. */
  #forgetIfUnwanted(flight: Flight): void {
    if (flight.waiters.size === 0 && this.#queue.delete(flight)) this.#flights.delete(flight.name)
  }
}

function describe(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : 'look-up failed'
}
