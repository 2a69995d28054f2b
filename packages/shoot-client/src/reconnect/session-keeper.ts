import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import {
  CONTROL_VERSION,
  type HelloMessage,
  type OffloadKind,
  type WelcomeMessage,
} from '@reversed-vpn/protocol'
import { FrameStream, type Lane, RejectedError, Session, sendHello } from '@reversed-vpn/session'
import { type DialError, toDialError } from '../dial/transport.js'
import { Backoff, type BackoffOptions } from './backoff.js'

/** What the keeper tells its owner: for logs and metrics, nothing depends on it. */
export interface KeeperEvents {
  onDialFailed(lane: number, error: DialError, waitMs: number): void
  onSessionUp(session: Session): void
  onLaneUp(session: Session, lane: Lane): void
  onLaneDown(session: Session, lane: Lane, error: Error | undefined): void
  onSessionDown(session: Session, error: Error | undefined): void
  /** Another shoot-client has taken over; this one will not dial for `waitMs`. */
  onSuperseded(waitMs: number): void
}

export interface SessionKeeperOptions {
  readonly lanes: number
  readonly accepts: readonly OffloadKind[]
  /** Told to the seed side, for its logs. */
  readonly software: string
  readonly backoff: BackoffOptions
  readonly dial: (signal: AbortSignal) => Promise<TLSSocket>
  /** Sets up the interface for what WELCOME announces, and makes the session that carries over it. */
  readonly openSession: (
    welcome: WelcomeMessage,
    remoteAddress: string,
    instance: string,
  ) => Promise<SessionParts>
  readonly events: KeeperEvents
}

/** A session without its handler, which is the keeper's. */
export type SessionParts = Omit<ConstructorParameters<typeof Session>[0], 'handler'>

/** The largest MTU this side can set; the seed side decides below it. */
const MAX_MTU = 65_535

/** One dial, from the first look-up to WELCOME. */
const ATTEMPT_TIMEOUT_MS = 15_000

/** A lane that was up for this long counts as stable: waits begin with the shortest again. */
const STABLE_AFTER_MS = 5_000

/** A superseded client that is not stopping stays away for a while, or two would displace each other for ever. */
const SUPERSEDED_WAIT_MS = { min: 30_000, max: 60_000 } as const

/**
 * Keeps a session to the seed-server up, with all its lanes. Each lane has a loop of its own:
 *
 *            ┌──────────────── wait (full jitter) ◀──────────────┐ failed
 *            ▼                                                    │
 *     session or lane 0 ──▶ dial ──▶ HELLO ──▶ WELCOME ──▶ up ────┤ lost
 *                                                          └──────┘ GOAWAY for this lane: dial while the old one carries
 *
 * Lane 0 opens the session; lanes beyond it join once it is there.
 */
export class SessionKeeper {
  readonly instance = randomBytes(16).toString('hex')
  readonly #options: SessionKeeperOptions
  readonly #stopping = new AbortController()
  readonly #changed = new EventTarget()
  #session: Session | undefined
  #awayUntilMs = 0
  #loops: Promise<unknown> | undefined

  constructor(options: SessionKeeperOptions) {
    this.#options = options
  }

  /** The session that is up now. */
  get session(): Session | undefined {
    return this.#session
  }

  /** Begins to dial, and never gives up until {@link stop}. */
  start(): void {
    const lanes = Array.from({ length: this.#options.lanes }, (_, index) => this.#keepLane(index))
    this.#loops = Promise.all(lanes)
  }

  /**
   * Dials no more. A session that another client has taken over from may go on for up to `drainMs`, since connections that it
   * opened still go through here; any other is ended at once. Settles when all is gone. Idempotent.
   */
  async stop(drainMs = 0): Promise<void> {
    this.#stopping.abort(new Error('stopping'))
    if (this.#awayUntilMs > 0) await this.#untilSessionGone(AbortSignal.timeout(drainMs))
    await this.#session?.close('going-away', 'the shoot-client is stopping')
    await this.#loops
  }

  async #keepLane(index: number): Promise<void> {
    const { signal } = this.#stopping
    const backoff = new Backoff(this.#options.backoff)
    while (!signal.aborted) {
      try {
        if (index > 0) await this.#untilSession(signal)
        await this.#stayAway(signal)
        const lane = await this.#bringUp(index)
        await this.#untilLost(lane, signal)
        if (Date.now() - lane.openedAtMs >= STABLE_AFTER_MS) backoff.reset()
        if (lane.isDown) await wait(backoff.nextMs(), undefined, { signal })
      } catch (error) {
        if (signal.aborted) return
        const waitMs = backoff.nextMs()
        this.#options.events.onDialFailed(index, toDialError(error, 'handshake'), waitMs)
        await wait(waitMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  async #bringUp(index: number): Promise<Lane> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)])
    const socket = await this.#options.dial(signal)
    const frames = new FrameStream(socket)
    const joined = this.#session
    try {
      const welcome = await sendHello(frames, this.#hello(index, joined))
      signal.throwIfAborted()
      const session = joined ?? (await this.#openSession(welcome, socket))
      if (session.state === 'closed') throw new Error('the session ended while the lane was coming up')
      const lane = session.addLane(index, frames)
      this.#options.events.onLaneUp(session, lane)
      return lane
    } catch (error) {
      frames.abort()
      if (!(error instanceof RejectedError)) throw error
      // What the seed side does not know any more is not worth keeping: the next dial begins a new session.
      if (error.rejectCode === 'unknown-session') joined?.abort(error)
      throw toDialError(error, 'rejected')
    }
  }

  #hello(index: number, session: Session | undefined): HelloMessage {
    const { accepts, software } = this.#options
    const join = session === undefined ? {} : { session: session.id, token: session.token, lane: index }
    return {
      type: 'HELLO',
      version: CONTROL_VERSION,
      instance: this.instance,
      accepts,
      mtu: MAX_MTU,
      software,
      ...join,
    }
  }

  async #openSession(welcome: WelcomeMessage, socket: TLSSocket): Promise<Session> {
    const remoteAddress = socket.remoteAddress ?? 'unknown'
    const parts = await this.#options.openSession(welcome, remoteAddress, this.instance)
    this.#stopping.signal.throwIfAborted()
    const session = new Session({
      ...parts,
      handler: {
        onLaneReady: () => {},
        onLaneGoAway: (_, lane) => this.#changed.dispatchEvent(new LaneEvent('replace', lane)),
        onGoAway: (_, reason) => {
          if (reason === 'superseded') this.#onSuperseded()
        },
        onLaneDown: (which, lane, error) => {
          this.#options.events.onLaneDown(which, lane, error)
          this.#changed.dispatchEvent(new LaneEvent('down', lane))
        },
        onClosed: (closed, error) => this.#onClosed(closed, error),
      },
    })
    session.activate()
    this.#session = session
    this.#options.events.onSessionUp(session)
    this.#changed.dispatchEvent(new Event('session'))
    return session
  }

  #onSuperseded(): void {
    const { min, max } = SUPERSEDED_WAIT_MS
    const waitMs = min + Math.random() * (max - min)
    this.#awayUntilMs = performance.now() + waitMs
    this.#options.events.onSuperseded(waitMs)
  }

  #onClosed(session: Session, error: Error | undefined): void {
    if (this.#session === session) this.#session = undefined
    this.#options.events.onSessionDown(session, error)
    this.#changed.dispatchEvent(new Event('gone'))
  }

  async #stayAway(signal: AbortSignal): Promise<void> {
    const waitMs = this.#awayUntilMs - performance.now()
    if (waitMs > 0) await wait(waitMs, undefined, { signal })
  }

  /** Settles when the session is gone, at the latest when the signal fires. */
  async #untilSessionGone(signal: AbortSignal): Promise<void> {
    while (this.#session !== undefined && !signal.aborted) {
      await this.#next(signal, (event) => event.type === 'gone').catch(() => {})
    }
  }

  /** Settles when there is a session to join. */
  async #untilSession(signal: AbortSignal): Promise<void> {
    while (this.#session === undefined) await this.#next(signal, (event) => event.type === 'session')
  }

  /** Settles when the lane is gone or should be replaced. */
  async #untilLost(lane: Lane, signal: AbortSignal): Promise<void> {
    if (!lane.isDown) await this.#next(signal, (event) => event instanceof LaneEvent && event.lane === lane)
  }

  #next(signal: AbortSignal, fits: (event: Event) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const types = ['session', 'gone', 'down', 'replace'] as const
      const settle = () => {
        for (const type of types) this.#changed.removeEventListener(type, onEvent)
        signal.removeEventListener('abort', onAbort)
      }
      const onEvent = (event: Event) => {
        if (!fits(event)) return
        settle()
        resolve()
      }
      const onAbort = () => {
        settle()
        reject(signal.reason as Error)
      }
      if (signal.aborted) onAbort()
      for (const type of types) this.#changed.addEventListener(type, onEvent)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

/** Something that happened to one lane. */
class LaneEvent extends Event {
  readonly lane: Lane

  constructor(type: 'down' | 'replace', lane: Lane) {
    super(type)
    this.lane = lane
  }
}
