import type { Lookup } from '../dial/name-resolver.js'
import { lookUpInHostsFile } from '../dial/resolver-files.js'
import { untilSettled } from '../until-settled.js'
import { TargetRefusal } from './target-refusal.js'

/** A look-up counts until it has ended, not until its callers have stopped waiting. */
export interface LookupLimits {
  /** Names looked up at a time. */
  readonly maxLookups: number
  /** Of those, names of one zone: a dead one leaves room for the others. */
  readonly maxLookupsOfZone: number
  /** Names that may wait for one of those. */
  readonly maxQueuedLookups: number
  /** How long the addresses of a name may take, in ms, queueing included. */
  readonly lookupTimeoutMs: number
}

export const LOOKUP_LIMITS: LookupLimits = Object.freeze({
  maxLookups: 64,
  maxLookupsOfZone: 16,
  maxQueuedLookups: 1024,
  lookupTimeoutMs: 5000,
})

interface Waiter {
  readonly onAnswer: (addresses: readonly string[]) => void
  readonly onFailure: (error: unknown) => void
}

interface Flight {
  readonly name: string
  readonly zone: string
  readonly waiters: Set<Waiter>
}

/**
 * Looks names up with a deadline, a bound on how many at a time, and one look-up for all who ask for the same name.
 *
 * A look-up in a zone whose servers are dead takes long. So each zone has a share of those that may run, and a name that
 * needs no server waits for nobody.
 */
export class TargetResolver {
  readonly #lookup: Lookup
  readonly #limits: LookupLimits
  readonly #flights = new Map<string, Flight>()
  readonly #queue = new Set<Flight>()
  /** Look-ups that run now, by zone. */
  readonly #activeOf = new Map<string, number>()
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
   * @throws TargetRefusal `no-address`, `lookup-timeout` or `too-many-lookups`
   * @throws the signal's reason when that aborts
   */
  async resolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted()
    const known = lookUpInHostsFile(name)
    if (known.length > 0) return known
    const addresses = await this.#join(this.#flights.get(name) ?? this.#enqueue(name), signal)
    if (addresses.length === 0) throw new TargetRefusal('no-address', `${name} has no address`)
    return addresses
  }

  #enqueue(name: string): Flight {
    const { maxQueuedLookups } = this.#limits
    const flight: Flight = { name, zone: zoneOf(name), waiters: new Set() }
    if (!this.#mayStart(flight) && this.#queue.size >= maxQueuedLookups) {
      throw new TargetRefusal('too-many-lookups', `${this.#active} run and ${maxQueuedLookups} wait already`)
    }
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
          reject(new TargetRefusal('no-address', `${flight.name}: ${describe(cause)}`, { cause })),
      }
      const onTimeout = () =>
        reject(new TargetRefusal('lookup-timeout', `${flight.name}: no answer within ${lookupTimeoutMs} ms`))
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
      if (!this.#mayStart(flight)) continue
      this.#queue.delete(flight)
      this.#countActive(flight, 1)
      void this.#fly(flight)
    }
  }

  #mayStart({ zone }: Flight): boolean {
    const { maxLookups, maxLookupsOfZone } = this.#limits
    return this.#active < maxLookups && (this.#activeOf.get(zone) ?? 0) < maxLookupsOfZone
  }

  #countActive({ zone }: Flight, change: 1 | -1): void {
    this.#active += change
    const ofZone = (this.#activeOf.get(zone) ?? 0) + change
    if (ofZone === 0) this.#activeOf.delete(zone)
    else this.#activeOf.set(zone, ofZone)
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
    this.#countActive(flight, -1)
    this.#flights.delete(flight.name)
  }

  /** A look-up that has not begun and that nobody waits for any more need not begin. */
  #forgetIfUnwanted(flight: Flight): void {
    if (flight.waiters.size === 0 && this.#queue.delete(flight)) this.#flights.delete(flight.name)
  }
}

/** The last two labels: near enough to what one set of name servers answers for. */
function zoneOf(name: string): string {
  return name.toLowerCase().split('.').slice(-2).join('.')
}

function describe(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : 'look-up failed'
}
