import type { EventEmitter } from 'node:events'
import { sourceOf } from './socket-address.js'

/** What emits `close` once it is gone. */
interface Destroyable extends EventEmitter {
  readonly destroyed: boolean
  destroy(error?: Error): unknown
}

/** How many connections a port admits, and what happens with one too many. */
export interface AdmissionLimits {
  /** Admitted at a time. */
  readonly max: number
  /** Admitted at a time from one IPv4 address or one /64 of IPv6. @default no limit */
  readonly maxPerSource?: number
  /** `refuse-new` drops the new one, `drop-oldest` the oldest (of that source); with {@link QueueLimits} the new one waits. */
  readonly whenFull: 'refuse-new' | 'drop-oldest' | QueueLimits
}

/** A queue in front of the admitted. The newest goes first: under a flood whoever comes is admitted within `overdueMs`. */
interface QueueLimits {
  /** Connections that wait. One more drops the oldest of them. */
  readonly maxWaiting: number
  /** A connection that waits for longer is dropped. */
  readonly waitTimeoutMs: number
  /** While others wait, a connection that was admitted longer ago is dropped. */
  readonly overdueMs: number
}

/** Why a connection was dropped: too many in all, too many of its source, or the port was closed. */
export type DropReason = 'limit' | 'source-limit' | 'closed'

/** One connection of a port. */
export interface AdmissionEntry<Stream extends Destroyable = Destroyable> {
  readonly stream: Stream
  /** Who it is for, as far as that is known. For logs. */
  remoteAddress: string
  /** Set once it was dropped. That has been reported, so its end need not be. */
  readonly dropped: DropReason | undefined
}

interface AdmissionEvents<Stream extends Destroyable> {
  /** A connection is admitted. It may be the one that is entering. */
  readonly onAdmitted?: (entry: AdmissionEntry<Stream>) => void
  /** A connection is dropped for a limit. */
  readonly onDropped?: (entry: AdmissionEntry<Stream>, reason: DropReason, detail: string) => void
}

interface Entry<Stream extends Destroyable> extends AdmissionEntry<Stream> {
  source: string | undefined
  dropped: DropReason | undefined
  /** In ms of `performance.now()`. */
  admittedAtMs: number
  waitTimer: NodeJS.Timeout | undefined
}

/**
 * Counts the connections of a port until they are closed or {@link finish}ed, within limits:
 *
 *     enter ──▶ admitted ──finish──▶ counts no more
 *       │ full      │ ▲ room
 *       │           ▼ │
 *       ├──────▶ waiting (only with a queue)
 *       └──────▶ dropped ◀── any of the three
 */
export class Admission<Stream extends Destroyable = Destroyable> {
  readonly #limits: AdmissionLimits
  readonly #events: AdmissionEvents<Stream>
  /** The oldest first, as in every set here. */
  readonly #admitted = new Set<Entry<Stream>>()
  readonly #waiting = new Set<Entry<Stream>>()
  readonly #bySource = new Map<string, Set<Entry<Stream>>>()
  #overdueTimer: NodeJS.Timeout | undefined

  constructor(limits: AdmissionLimits, events: AdmissionEvents<Stream> = {}) {
    this.#limits = limits
    this.#events = events
  }

  /** How many are admitted. */
  get size(): number {
    return this.#admitted.size
  }

  /** How many sources have an admitted connection that was attributed to them. */
  get sources(): number {
    return this.#bySource.size
  }

  /** Admits a connection, lets it wait or drops it. Its errors are swallowed from here on. One that may wait has to be paused. */
  enter(stream: Stream, remoteAddress: string): AdmissionEntry<Stream> {
    const { max, whenFull } = this.#limits
    const entry: Entry<Stream> = {
      stream,
      remoteAddress,
      source: undefined,
      dropped: undefined,
      admittedAtMs: 0,
      waitTimer: undefined,
    }
    // Without a listener an error before anyone has taken over would end the process.
    stream.on('error', () => {})
    stream.once('close', () => this.finish(entry))
    if (this.#admitted.size < max) this.#admit(entry)
    else if (whenFull === 'refuse-new') this.#drop(entry, 'limit', `more than ${max} connections`)
    else if (whenFull === 'drop-oldest') {
      this.#dropOldest(this.#admitted, 'limit', `more than ${max} connections`)
      this.#admit(entry)
    } else this.#enqueue(entry, whenFull)
    return entry
  }

  /**
   * Counts an admitted connection among those of its source. Not to be called for one that a proxy makes for many.
   * @param address what is no address counts for nobody
   */
  attribute(connection: AdmissionEntry<Stream>, address: string): void {
    const { maxPerSource = Number.POSITIVE_INFINITY, whenFull } = this.#limits
    const entry = connection as Entry<Stream>
    const source = sourceOf(address)
    if (source === undefined || !this.#admitted.has(entry)) return
    const others = this.#bySource.get(source)
    if (others !== undefined && others.size >= maxPerSource) {
      const detail = `more than ${maxPerSource} connections of ${source}`
      if (whenFull === 'refuse-new') {
        this.#drop(entry, 'source-limit', detail)
        return
      }
      this.#dropOldest(others, 'source-limit', detail)
    }
    this.#bySource.set(source, (this.#bySource.get(source) ?? new Set()).add(entry))
    entry.source = source
  }

  /** It counts no more: it is known who that is, or it is over. Idempotent. */
  finish(connection: AdmissionEntry<Stream>): void {
    if (this.#remove(connection as Entry<Stream>)) this.#advance()
  }

  /** Drops all. */
  destroyAll(): void {
    clearTimeout(this.#overdueTimer)
    this.#overdueTimer = undefined
    const all = [...this.#waiting, ...this.#admitted]
    for (const entry of all) this.#remove(entry)
    for (const entry of all) {
      entry.dropped = 'closed'
      entry.stream.destroy()
    }
  }

  #admit(entry: Entry<Stream>): void {
    entry.admittedAtMs = performance.now()
    this.#admitted.add(entry)
    this.#events.onAdmitted?.(entry)
  }

  #enqueue(entry: Entry<Stream>, { maxWaiting, waitTimeoutMs }: QueueLimits): void {
    const onTimeout = () => this.#drop(entry, 'limit', `waited for ${waitTimeoutMs} ms`)
    entry.waitTimer = setTimeout(onTimeout, waitTimeoutMs)
    this.#waiting.add(entry)
    this.#advance()
    if (this.#waiting.size > maxWaiting)
      this.#dropOldest(this.#waiting, 'limit', `more than ${maxWaiting} wait`)
  }

  /** Admits those who wait, as far as there is room or someone is overdue. */
  #advance(): void {
    const { max, whenFull } = this.#limits
    if (typeof whenFull === 'string') return
    while (this.#waiting.size > 0) {
      if (this.#admitted.size >= max) {
        const [oldest] = this.#admitted
        const leftMs = (oldest?.admittedAtMs ?? 0) + whenFull.overdueMs - performance.now()
        if (leftMs > 0) {
          this.#overdueTimer ??= setTimeout(() => this.#onOverdue(), Math.ceil(leftMs))
          return
        }
        this.#dropOldest(this.#admitted, 'limit', `not finished within ${whenFull.overdueMs} ms`)
      }
      // A set has no end to take from, but a queue is seldom long.
      const newest = [...this.#waiting].at(-1) as Entry<Stream>
      this.#waiting.delete(newest)
      clearTimeout(newest.waitTimer)
      this.#admit(newest)
    }
  }

  #onOverdue(): void {
    this.#overdueTimer = undefined
    this.#advance()
  }

  #dropOldest(entries: ReadonlySet<Entry<Stream>>, reason: DropReason, detail: string): void {
    const [oldest] = entries
    if (oldest !== undefined) this.#drop(oldest, reason, detail)
  }

  #drop(entry: Entry<Stream>, reason: DropReason, detail: string): void {
    this.#remove(entry)
    entry.dropped = reason
    this.#events.onDropped?.(entry, reason, detail)
    entry.stream.destroy()
  }

  /** @returns whether it was admitted, so that there is room now */
  #remove(entry: Entry<Stream>): boolean {
    clearTimeout(entry.waitTimer)
    this.#waiting.delete(entry)
    const ofSource = this.#bySource.get(entry.source ?? '')
    ofSource?.delete(entry)
    if (ofSource?.size === 0) this.#bySource.delete(entry.source ?? '')
    return this.#admitted.delete(entry)
  }
}
