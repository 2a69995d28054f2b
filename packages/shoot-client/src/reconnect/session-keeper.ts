import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import {
  CONTROL_VERSION,
  type HelloMessage,
  type OffloadKind,
  type WelcomeMessage,
} from '@reversed-vpn/protocol'
import type { DialError } from '@reversed-vpn/secure'
import {
  type BackoffOptions,
  type DialledLane,
  type FrameStream,
  type Lane,
  LaneDialler,
  type LaneEnd,
  RejectedError,
  Session,
  sendHello,
} from '@reversed-vpn/session'

/** What the keeper tells its owner: for logs and metrics, nothing depends on it. */
export interface KeeperEvents {
  onDialFailed(lane: number, error: DialError, waitMs: number): void
  onSessionUp(session: Session): void
  onLaneUp(session: Session, lane: Lane): void
  onLaneDown(session: Session, lane: Lane, end: LaneEnd): void
  onSessionDown(session: Session, error: Error | undefined): void
  /** Another shoot-client has taken over; this one will not dial for `waitMs`, 0 where it never does. */
  onSuperseded(waitMs: number): void
}

export interface SessionKeeperOptions {
  readonly lanes: number
  readonly accepts: readonly OffloadKind[]
  /** Told to the seed side, for its logs. */
  readonly software: string
  readonly backoff: BackoffOptions
  /** Absent where the seed side dials: connections come by {@link SessionKeeper.take}. */
  readonly dial?: (lane: number, signal: AbortSignal) => Promise<DialledLane>
  /** Sets up the interface for what WELCOME announces, and makes the session that carries over it. */
  readonly openSession: (
    welcome: WelcomeMessage,
    remoteAddress: string,
    instance: string,
  ) => Promise<SessionParts>
  /** The seed side has told its networks anew, to a further lane of a session that is open. The lane waits for it. @default nothing */
  readonly onWelcomeAgain?: (welcome: WelcomeMessage, session: Session) => Promise<void>
  readonly events: KeeperEvents
}

/** A session without its handler, which is the keeper's. */
export type SessionParts = Omit<ConstructorParameters<typeof Session>[0], 'handler' | 'lanesWanted'>

/** The largest MTU this side can set; the seed side decides below it. */
const MAX_MTU = 65_535

/** A superseded client that is not stopping stays away for a while, or two would displace each other for ever. */
const SUPERSEDED_WAIT_MS = { min: 30_000, max: 60_000 } as const

/**
 * Keeps a session to the seed-server up, with all its lanes, and says HELLO on every connection, whoever dialled it. Lane 0 opens
 * the session; lanes beyond it join once it is there.
 */
export class SessionKeeper {
  readonly instance = randomBytes(16).toString('hex')
  readonly #options: SessionKeeperOptions
  readonly #stopping = new AbortController()
  readonly #dialler: LaneDialler
  readonly #changed = new EventEmitter().setMaxListeners(0)
  /** Lanes that say HELLO. */
  readonly #coming = new Set<number>()
  #session: Session | undefined
  #opening: Promise<unknown> = Promise.resolve()
  #lanesMax = 1
  #awayUntilMs = 0

  constructor(options: SessionKeeperOptions) {
    this.#options = options
    this.#dialler = new LaneDialler({
      backoff: options.backoff,
      untilWanted: async (lane, signal) => {
        if (lane > 0) await this.#untilSession(signal)
        await this.#stayAway(signal)
      },
      bringUp: (lane, signal) => this.#dialLane(lane, signal),
      onFailed: options.events.onDialFailed,
    })
  }

  /** The session that is up now. */
  get session(): Session | undefined {
    return this.#session
  }

  /** Begins to dial, and never gives up until {@link stop}. To be called on the side that dials. */
  start(): void {
    this.#dialler.keep(this.#options.lanes)
  }

  /**
   * Makes a connection that the seed side dialled a lane.
   * @throws RejectedError, TunnelError of `sendHello`, or what `openSession` throws; the connection is ended then
   */
  async take(frames: FrameStream, remoteAddress: string): Promise<void> {
    await this.#sayHello(frames, remoteAddress, this.#chooseLane(), this.#stopping.signal)
  }

  /** Has every lane replaced. @param withinMs see `Session`; given, connections that are not lanes yet are begun anew as well */
  renewLanes(withinMs?: number): void {
    if (withinMs !== undefined) this.#dialler.dialAnew()
    this.#session?.renewLanes(withinMs)
  }

  /**
   * Dials no more. A session that another client has taken over from may go on for up to `drainMs`, since connections that it
   * opened still go through here; any other is ended at once. Settles when all is gone. Idempotent.
   */
  async stop(drainMs = 0): Promise<void> {
    this.#stopping.abort(new Error('stopping'))
    const dialled = this.#dialler.stop()
    if (this.#awayUntilMs > 0) await this.#untilSessionGone(AbortSignal.timeout(drainMs))
    await this.#session?.close('going-away', 'the shoot-client is stopping')
    await dialled
  }

  async #dialLane(index: number, signal: AbortSignal): Promise<Lane> {
    const dialled = await this.#options.dial?.(index, signal)
    if (dialled === undefined) throw new Error('the seed side dials')
    return this.#sayHello(dialled.frames, dialled.remoteAddress, index, signal)
  }

  async #sayHello(
    frames: FrameStream,
    remoteAddress: string,
    index: number,
    signal: AbortSignal,
  ): Promise<Lane> {
    const joined = this.#session
    this.#coming.add(index)
    try {
      const welcome = await sendHello(frames, this.#hello(index, joined))
      signal.throwIfAborted()
      if (joined !== undefined) await this.#options.onWelcomeAgain?.(welcome, joined)
      const session = joined ?? (await this.#openSession(welcome, remoteAddress))
      signal.throwIfAborted()
      if (session.state === 'closed') throw new Error('the session ended while the lane was coming up')
      const lane = session.addLane(index, frames)
      this.#options.events.onLaneUp(session, lane)
      return lane
    } catch (error) {
      // One that was told what it did wrong has a moment to read it.
      if (!frames.isEnding) frames.abort()
      // What the seed side does not know any more is not worth keeping: the next connection begins a new session.
      const isForgotten = error instanceof RejectedError && error.rejectCode === 'unknown-session'
      if (isForgotten) joined?.abort(error)
      throw error
    } finally {
      this.#coming.delete(index)
    }
  }

  /**
   * Which lane a connection becomes that the seed side dialled: it has a lane replaced, has lost one, or wants one more. If none
   * of these is known of here, it has lost one that only seems to be up.
   */
  #chooseLane(): number {
    const lanes = this.#session?.lanes
    if (lanes === undefined) return 0
    const isFree = (index: number) => !this.#coming.has(index)
    const up = [...lanes.values()].filter(({ index }) => isFree(index))
    const replaced = up.find((lane) => lane.isReplacementWanted)
    if (replaced !== undefined) return replaced.index
    for (let index = 0; index < this.#lanesMax; index++) if (!lanes.has(index) && isFree(index)) return index
    const [silent] = up.sort((one, other) => one.lastByteAtMs - other.lastByteAtMs)
    return silent?.index ?? 0
  }

  #hello(index: number, session: Session | undefined): HelloMessage {
    const { accepts, software, lanes } = this.#options
    const join = session === undefined ? {} : { session: session.id, token: session.token, lane: index }
    return {
      type: 'HELLO',
      version: CONTROL_VERSION,
      instance: this.instance,
      accepts,
      mtu: MAX_MTU,
      software,
      lanes,
      ...join,
    }
  }

  /** One after the other: where the seed side dials, two connections may bring a WELCOME at the same time. */
  #openSession(welcome: WelcomeMessage, remoteAddress: string): Promise<Session> {
    const opened = this.#opening.then(() => this.#replaceSession(welcome, remoteAddress))
    this.#opening = opened.catch(() => {})
    return opened
  }

  async #replaceSession(welcome: WelcomeMessage, remoteAddress: string): Promise<Session> {
    const parts = await this.#options.openSession(welcome, remoteAddress, this.instance)
    this.#stopping.signal.throwIfAborted()
    const session: Session = new Session({
      ...parts,
      lanesWanted: this.#options.lanes,
      handler: {
        onLaneReady: () => {},
        onGoAway: (reason) => {
          if (reason === 'superseded') this.#onSuperseded()
        },
        onLaneDown: (lane, end) => this.#options.events.onLaneDown(session, lane, end),
        onClosed: (error) => this.#onClosed(session, error),
      },
    })
    session.activate()
    const previous = this.#session
    this.#session = session
    // There is one at a time, or a seed side that begins more and more could pile them up.
    previous?.abort(new Error('another session was begun'))
    this.#lanesMax = welcome.lanesMax
    this.#awayUntilMs = 0
    this.#options.events.onSessionUp(session)
    this.#changed.emit('session')
    return session
  }

  #onSuperseded(): void {
    const { min, max } = SUPERSEDED_WAIT_MS
    const waitMs = min + Math.random() * (max - min)
    this.#awayUntilMs = performance.now() + waitMs
    // Where the seed side dials it is the one that may come back, to whom it likes.
    this.#options.events.onSuperseded(this.#options.dial === undefined ? 0 : waitMs)
  }

  #onClosed(session: Session, error: Error | undefined): void {
    if (this.#session === session) this.#session = undefined
    this.#options.events.onSessionDown(session, error)
    this.#changed.emit('gone')
  }

  async #stayAway(signal: AbortSignal): Promise<void> {
    const waitMs = this.#awayUntilMs - performance.now()
    if (waitMs > 0) await wait(waitMs, undefined, { signal })
  }

  /** Settles when the session is gone, at the latest when the signal fires. */
  async #untilSessionGone(signal: AbortSignal): Promise<void> {
    while (this.#session !== undefined && !signal.aborted) {
      await once(this.#changed, 'gone', { signal }).catch(() => {})
    }
  }

  /** Settles when there is a session to join. */
  async #untilSession(signal: AbortSignal): Promise<void> {
    while (this.#session === undefined) await once(this.#changed, 'session', { signal })
  }
}
