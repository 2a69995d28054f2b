import { isIP } from 'node:net'
import { untilSettled } from '../until-settled.js'
import { lookUpAddresses } from './look-up-addresses.js'
import { lookupError } from './lookup-error.js'

/** Finds the addresses of a name, in the order to try them. Rejects, or finds none, when there is no answer. */
export type Lookup = (name: string) => Promise<readonly string[]>

interface NameResolverLimits {
  /** How long one who asks waits. The look-up goes on. */
  readonly waitMs: number
  /** How long an answer that came after everybody had left is kept for the next who asks. */
  readonly keepMs: number
}

const DEFAULT_LIMITS: NameResolverLimits = { waitMs: 10_000, keepMs: 60_000 }

interface Flight {
  readonly answer: Promise<readonly string[]>
  waiters: number
}

/**
 * Looks names up, once for all who ask for the same one at a time. A look-up outlives those who wait for it: where name
 * servers are slower than a dial may take, the next dial gets the answer that an earlier one asked for.
 */
export class NameResolver {
  readonly #lookup: Lookup
  readonly #limits: NameResolverLimits
  readonly #flights = new Map<string, Flight>()

  constructor(lookup: Lookup, limits: NameResolverLimits = DEFAULT_LIMITS) {
    this.#lookup = lookup
    this.#limits = limits
  }

  /**
   * @param host an address is its own answer
   * @returns at least one address
   * @throws an error with code `ENOTFOUND` or `EAI_AGAIN`, or what the look-up throws; the signal's reason
   */
  async resolve(host: string, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted()
    if (isIP(host) !== 0) return [host]
    const flight = this.#flights.get(host) ?? this.#start(host)
    flight.waiters++
    try {
      return await this.#wait(host, flight, signal)
    } finally {
      flight.waiters--
    }
  }

  #wait(host: string, { answer }: Flight, signal: AbortSignal): Promise<readonly string[]> {
    const { waitMs } = this.#limits
    return untilSettled(signal, (resolve, reject) => {
      const onTimeout = () =>
        reject(lookupError('EAI_AGAIN', `look-up of ${host}: no answer within ${waitMs} ms`))
      const timer = setTimeout(onTimeout, waitMs)
      answer.then(resolve, reject)
      return () => clearTimeout(timer)
    })
  }

  #start(host: string): Flight {
    const flight: Flight = { answer: this.#lookUp(host), waiters: 0 }
    this.#flights.set(host, flight)
    const forget = () => {
      if (this.#flights.get(host) === flight) this.#flights.delete(host)
    }
    // An answer that somebody got is not kept: each dial asks anew. A failure never is.
    flight.answer.then(() => {
      if (flight.waiters > 0) forget()
      else setTimeout(forget, this.#limits.keepMs).unref()
    }, forget)
    return flight
  }

  async #lookUp(host: string): Promise<readonly string[]> {
    const addresses = await this.#lookup(host)
    if (addresses.length === 0) throw lookupError('ENOTFOUND', `look-up of ${host}: it has no address`)
    return addresses
  }
}

/** Those that this host knows, shared by all of this process. */
export const systemNames = new NameResolver(lookUpAddresses)
