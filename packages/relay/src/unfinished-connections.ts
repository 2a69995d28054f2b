import type { EventEmitter } from 'node:events'
import { isIPv4 } from 'node:net'
import { makeCidr, parseAddressNormalized } from '@reversed-vpn/ip'

/** What emits `close` once it is gone. */
export interface Destroyable extends EventEmitter {
  readonly destroyed: boolean
  destroy(error?: Error): unknown
}

/** A connection whose other end has not shown yet who it is. */
export interface UnfinishedConnection {
  readonly stream: Destroyable
  /** Who it is for, as far as that is known. For logs. */
  remoteAddress: string
  /** Dropped for others, which is told already: what comes of its end is no news. */
  readonly isDropped: boolean
}

/** Which of the limits a connection was dropped for. */
export type UnfinishedDrop = 'too-many-handshakes' | 'source-limit'

export interface UnfinishedLimits {
  /** At a time. One more drops the oldest. */
  readonly max: number
  /** At a time from one IPv4 address or one /64 of IPv6. One more drops the oldest of that source. */
  readonly maxPerSource: number
}

/**
 * The limits of one port. A quarter is out of a single source's reach. Together with those of the other ports they stay
 * below the 1024 descriptors that many a container has.
 */
export const UNFINISHED_LIMITS: UnfinishedLimits = Object.freeze({ max: 256, maxPerSource: 192 })

interface Entry {
  readonly stream: Destroyable
  remoteAddress: string
  source: string | undefined
  isDropped: boolean
}

/**
 * Connections to a port from their acceptance until it is known who is at the other end. A flood of those that stay silent
 * drops its own oldest: whoever is quick gets in.
 */
export class UnfinishedConnections {
  /** The oldest first. */
  readonly #entries = new Set<Entry>()
  readonly #bySource = new Map<string, Set<Entry>>()
  readonly #limits: UnfinishedLimits
  readonly #onDropped: (connection: UnfinishedConnection, reason: UnfinishedDrop, detail: string) => void

  /** @param onDropped is told of every connection that is dropped for others */
  constructor(
    onDropped: (connection: UnfinishedConnection, reason: UnfinishedDrop, detail: string) => void,
    limits = UNFINISHED_LIMITS,
  ) {
    this.#onDropped = onDropped
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  /** Counts a connection until it is closed or {@link finish}ed. Its errors are swallowed from here on. */
  admit(stream: Destroyable, remoteAddress: string): UnfinishedConnection {
    const entry: Entry = { stream, remoteAddress, source: undefined, isDropped: false }
    this.#entries.add(entry)
    stream.once('close', () => this.finish(entry))
    // Without a listener an error before anyone has taken over would end the process.
    stream.on('error', () => {})
    const { max } = this.#limits
    if (this.#entries.size > max)
      this.#dropOldest(this.#entries, 'too-many-handshakes', `more than ${max} unfinished connections`)
    return entry
  }

  /**
   * Counts a connection among those of its source. Not to be called for one that a proxy makes for many.
   * @param address what is no address counts for nobody
   */
  attribute(connection: UnfinishedConnection, address: string): void {
    const source = sourceOf(address)
    const entry = connection as Entry
    if (source === undefined || !this.#entries.has(entry)) return
    const ofSource = this.#bySource.get(source) ?? new Set()
    this.#bySource.set(source, ofSource.add(entry))
    entry.source = source
    const { maxPerSource } = this.#limits
    if (ofSource.size > maxPerSource)
      this.#dropOldest(
        ofSource,
        'source-limit',
        `more than ${maxPerSource} unfinished connections of ${source}`,
      )
  }

  /** It is known who that is, or it is over. Idempotent. */
  finish(connection: UnfinishedConnection): void {
    const entry = connection as Entry
    this.#entries.delete(entry)
    if (entry.source === undefined) return
    const ofSource = this.#bySource.get(entry.source)
    ofSource?.delete(entry)
    if (ofSource?.size === 0) this.#bySource.delete(entry.source)
  }

  /** Cuts all. */
  destroyAll(): void {
    for (const entry of [...this.#entries]) {
      entry.isDropped = true
      entry.stream.destroy()
    }
  }

  #dropOldest(entries: ReadonlySet<Entry>, reason: UnfinishedDrop, detail: string): void {
    const [oldest] = entries
    if (oldest === undefined) return
    this.finish(oldest)
    oldest.isDropped = true
    this.#onDropped(oldest, reason, detail)
    oldest.stream.destroy()
  }
}

/** A host has a whole /64 of IPv6 to come from. */
const IPV6_SOURCE_BITS = 64

/** Asked for every connection of a flood: IPv4, which most of them use, costs next to nothing. */
function sourceOf(address: string): string | undefined {
  if (isIPv4(address)) return address
  const parsed = parseAddressNormalized(address.replace(/%.*$/, ''))
  return (
    parsed &&
    makeCidr(parsed.family, parsed.value, parsed.family === 4 ? 32 : IPV6_SOURCE_BITS).text.replace(
      /\/32$/,
      '',
    )
  )
}
