import { randomBytes } from 'node:crypto'
import type { CarriedKind, HelloMessage, WelcomeMessage } from '@reversed-vpn/protocol'
import type { JoinStreams, Session } from '@reversed-vpn/session'
import { StreamMultiplexer, WindowBudget } from '@reversed-vpn/streams'
import { STREAM_CLOCK, type StreamTotals } from '@reversed-vpn/tunnel-daemon'

interface StreamTableOptions {
  /** What lanes may carry, streams among them. */
  readonly carries: readonly CarriedKind[]
  /** Streams of one multiplexer at a time. */
  readonly maxStreams: number
  /** What all of them together may be sent, in bytes. */
  readonly windowBytes: number
  /** How long a multiplexer outlives its last lane, in ms. */
  readonly holdMs: number
  /** Counts what they do. */
  readonly totals: StreamTotals
}

interface Held {
  readonly id: string
  /** The certificate identity and the process that it belongs to. */
  readonly peerName: string
  readonly instance: string
  readonly multiplexer: StreamMultiplexer
  lastLane: number
}

/** What a lane that carries streams is told, and how it joins. */
interface Admission {
  readonly welcome: Required<Pick<WelcomeMessage, 'carries' | 'streams'>>
  readonly joinStreams: JoinStreams
  /** Has the session belong to the multiplexer: its further lanes get the same one. */
  readonly bind: (session: Session) => void
}

/** Multiplexers at a time: one more ends the one that is known longest, of those without a lane where there are any. */
const MAX_MULTIPLEXERS = 8

/** The multiplexers of the seed side, one for each process of the shoot side. They outlive their lanes for the hold time. */
export class StreamTable {
  readonly #options: StreamTableOptions
  readonly #budget: WindowBudget
  readonly #held = new Map<string, Held>()
  readonly #ofSession = new WeakMap<Session, Held>()

  constructor(options: StreamTableOptions) {
    this.#options = options
    this.#budget = new WindowBudget(options.windowBytes)
  }

  /** Those that have not ended, the longest known first. */
  get multiplexers(): readonly StreamMultiplexer[] {
    return [...this.#held.values()].map(({ multiplexer }) => multiplexer)
  }

  /** The multiplexer that the lanes of a session have joined; undefined: none, or it has ended. */
  of(session: Session): StreamMultiplexer | undefined {
    const held = this.#ofSession.get(session)
    return held !== undefined && this.#held.has(held.id) ? held.multiplexer : undefined
  }

  /**
   * Finds the multiplexer that a HELLO means, or begins a new one, which ends that of the same process.
   * @param joined the session that the lane joins, if it does
   * @returns undefined when the peer carries no streams
   */
  admit(hello: HelloMessage, peerName: string, joined: Session | undefined): Admission | undefined {
    if (hello.carries?.includes('streams') !== true) return undefined
    const held = this.#find(hello, peerName, joined) ?? this.#begin(hello, peerName)
    const lane = ++held.lastLane
    return {
      welcome: {
        carries: this.#options.carries.filter((kind) => hello.carries?.includes(kind)),
        streams: { id: held.id, lane },
      },
      joinStreams: (own) => held.multiplexer.addLane(lane, own),
      bind: (session) => this.#ofSession.set(session, held),
    }
  }

  /**
   * A process of the shoot side is active now: another one that has no lane is taken for dead, and its streams end at once.
   * They would stand still for the hold time, and callers with them.
   */
  onActive(instance: string): void {
    for (const held of [...this.#held.values()])
      if (held.instance !== instance && held.multiplexer.lanes === 0) held.multiplexer.close('lanes-lost')
  }

  /** A session was ended in order: its process has left, and does not come back for its streams. */
  onLeft(session: Session): void {
    const multiplexer = this.of(session)
    if (multiplexer?.lanes === 0) multiplexer.close('lanes-lost')
  }

  /** Ends all streams. */
  close(): void {
    for (const { multiplexer } of [...this.#held.values()]) multiplexer.close('shutting-down')
  }

  #find(hello: HelloMessage, peerName: string, joined: Session | undefined): Held | undefined {
    const known = this.#held.get(hello.streams ?? '')
    if (known?.peerName === peerName && known.instance === hello.instance) return known
    // Several lanes may ask for one that has ended: they get the same new one.
    const ofSession = joined && this.#ofSession.get(joined)
    return ofSession !== undefined && this.#held.has(ofSession.id) ? ofSession : undefined
  }

  #begin({ instance }: HelloMessage, peerName: string): Held {
    const all = [...this.#held.values()]
    const old = all.find((held) => held.instance === instance && held.peerName === peerName)
    old?.multiplexer.close('lanes-lost')
    if (this.#held.size >= MAX_MULTIPLEXERS) {
      const last = all.find(({ multiplexer }) => multiplexer.lanes === 0) ?? all[0]
      last?.multiplexer.close('lanes-lost')
    }
    const { maxStreams, holdMs, totals } = this.#options
    const id = randomBytes(16).toString('hex')
    const multiplexer: StreamMultiplexer = new StreamMultiplexer({
      ...STREAM_CLOCK,
      role: 'opener',
      budget: this.#budget,
      maxStreams,
      maxOpening: maxStreams,
      holdMs,
      onEnd: () => {
        totals.end(multiplexer)
        this.#held.delete(id)
      },
    })
    totals.add(multiplexer)
    const held = { id, peerName, instance, multiplexer, lastLane: 0 }
    this.#held.set(id, held)
    return held
  }
}
