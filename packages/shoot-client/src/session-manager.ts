import { EventEmitter, once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { type TunnelInterface, withoutInterface } from '@reversed-vpn/host-network'
import { parseTransferAddress, type ShootNetworks } from '@reversed-vpn/ip'
import {
  type CarriedKind,
  CONTROL_VERSION,
  type HelloMessage,
  TunnelError,
  type WelcomeMessage,
} from '@reversed-vpn/protocol'
import { DialError } from '@reversed-vpn/secure'
import {
  type BackoffOptions,
  type FrameStream,
  type Lane,
  LaneDialler,
  RejectedError,
  Session,
  sendHello,
  type TrafficTotals,
} from '@reversed-vpn/session'
import { findCarryProblem, type LaneSetting, type PeerDialler } from '@reversed-vpn/tunnel-daemon'
import type { Forwarding } from './forwarding.js'
import type { ManagerEvents } from './manager-events.js'
import type { SeedStreams } from './streams/seed-streams.js'

export interface SessionManagerOptions {
  /** Of this process, in every HELLO: 32 hexadecimal digits. */
  readonly instance: string
  /** Absent where the seed side dials: connections come by {@link SessionManager.accept}. */
  readonly peer: Pick<PeerDialler, 'dial'> | undefined
  /** The name in the seed side's certificate. */
  readonly peerName: string
  /** Which seed-server it is, where that one dials and has said so. */
  readonly diallerId?: string | undefined
  readonly tun: Pick<TunnelInterface, 'accepts' | 'queues' | 'useOffloadsOf'>
  readonly network: Pick<Forwarding, 'apply' | 'follow'>
  readonly totals: TrafficTotals
  readonly lanes: number
  /** Where WELCOME announces a smaller keepalive or dead-after, that counts. */
  readonly laneSetting: LaneSetting
  /** Told to the seed side, for its logs. */
  readonly software: string
  readonly backoff: BackoffOptions
  readonly events: ManagerEvents
  /** What lanes may carry. @default packets */
  readonly carries?: readonly CarriedKind[]
  /** Needed where these are streams too. */
  readonly streams?: SeedStreams | undefined
}

/** A connection whose other end is authenticated. */
interface PeerConnection {
  readonly frames: FrameStream
  readonly remoteAddress: string
}

/** For a session without packets: those in the TUN are not its own. */
const NO_INTERFACE = withoutInterface()

/** The largest MTU this side can set; the seed side decides below it. */
const MAX_MTU = 65_535

/** A superseded client that is not stopping stays away for a while, or two would displace each other for ever. */
const SUPERSEDED_WAIT_MS = { min: 30_000, max: 60_000 } as const

/** The smallest values of WELCOME that are followed, so that a seed side cannot have this one do nothing but PING. */
const MIN_ANNOUNCED = { keepaliveMs: 100, deadAfterMs: 200 } as const

/**
 * Keeps a session with the seed-server up, with all its lanes, and sends HELLO on every connection, whoever dialled it. Lane 0
 * opens the session; further lanes join once it is there.
 */
export class SessionManager {
  readonly #options: SessionManagerOptions
  readonly #stopping = new AbortController()
  readonly #dialler: LaneDialler
  readonly #changed = new EventEmitter().setMaxListeners(0)
  /** Indexes of lanes whose handshake is under way. */
  readonly #connecting = new Set<number>()
  #session: Session | undefined
  #lanesMax = 1
  /** Present from the time another client took over until a new session is open. */
  #superseded: { readonly dialAgainAtMs: number } | undefined

  constructor(options: SessionManagerOptions) {
    this.#options = options
    this.#dialler = new LaneDialler({
      backoff: options.backoff,
      untilWanted: (index, signal) => this.#untilWanted(index, signal),
      bringUp: async (index, signal) => this.#connect(index, signal),
      onFailed: (index, error, waitMs) => options.events.onDialFailed(index, error, waitMs),
    })
  }

  /** The session that is up now. */
  get session(): Session | undefined {
    return this.#session
  }

  /** What lanes carry beside packets; undefined: nothing. */
  get streams(): SeedStreams | undefined {
    return this.#options.streams
  }

  /** Starts to dial, and never gives up until {@link stop}. For the side that dials. */
  start(): void {
    this.#dialler.keep(this.#options.lanes)
  }

  /**
   * Makes a connection that the seed side dialled a lane.
   * @throws RejectedError, TunnelError of `sendHello`, NetworkError; the connection is ended then
   */
  async accept(frames: FrameStream, remoteAddress: string): Promise<void> {
    await this.#connect(this.#chooseLane(), this.#stopping.signal, { frames, remoteAddress })
  }

  /** Has every lane replaced. @param withinMs see `Session`; given, dials under way start anew as well */
  renewLanes(withinMs?: number): void {
    if (withinMs !== undefined) this.#dialler.dialAnew()
    this.#session?.renewLanes(withinMs)
  }

  /**
   * Dials no more. A session that another client has taken over from may go on for up to `drainMs`, since connections that it
   * opened still use it; any other is ended at once. Settles when all is gone. Idempotent.
   */
  async stop(drainMs = 0): Promise<void> {
    this.#stopping.abort(new Error('stopping'))
    const dialled = this.#dialler.stop()
    if (this.#superseded !== undefined) await this.#untilSessionGone(AbortSignal.timeout(drainMs))
    await this.#session?.close('going-away', 'the shoot-client is stopping')
    await dialled
    this.#options.streams?.close()
  }

  /** A connection becomes a lane: dial, unless the seed side did ─▶ HELLO, WELCOME ─▶ network ─▶ session ─▶ lane. */
  async #connect(index: number, signal: AbortSignal, accepted?: PeerConnection): Promise<Lane> {
    const { peer, network, events } = this.#options
    const connection = accepted ?? (await peer?.dial(signal))
    if (connection === undefined) throw new Error('the seed side dials')
    const { frames, remoteAddress } = connection
    const joined = this.#session
    this.#connecting.add(index)
    try {
      // Lane 0 opens the next one. Where the seed side dials, it does not accept a lane of the old one.
      if (index > 0 && joined === undefined) throw new DialError('closed', 'no session is left to join')
      const welcome = await sendHello(frames, this.#hello(index, joined), { signal })
      signal.throwIfAborted()
      const problem = findCarryProblem(welcome.carries, this.#options.carries)
      if (problem !== undefined) throw new TunnelError('ERR_VERSION_UNSUPPORTED', problem)
      const networks = await (joined === undefined ? network.apply(welcome) : network.follow(welcome))
      signal.throwIfAborted()
      joined?.setNetworks(networks)
      const session = joined ?? this.#openSession(welcome, networks, remoteAddress)
      if (session.state === 'closed') throw new Error('the session ended while the lane was coming up')
      const lane = session.addLane(index, frames, { joinStreams: this.#options.streams?.admit(welcome) })
      events.onLaneOpened(session, lane)
      return lane
    } catch (error) {
      // The seed side may have opened the lane already. To give it up without a word would look like a loss.
      frames.fail(error as Error, signal.aborted ? 'going-away' : undefined)
      // A session that the seed side does not know any more is of no use: the next connection opens a new one.
      const isForgotten = error instanceof RejectedError && error.rejectCode === 'unknown-session'
      if (isForgotten) joined?.abort(error)
      throw error
    } finally {
      this.#connecting.delete(index)
    }
  }

  /**
   * Which lane a connection becomes that the seed side dialled: it has a lane replaced, has lost one, or wants one more. If none
   * of these is known here, it has lost one that only seems to be up.
   */
  #chooseLane(): number {
    const lanes = this.#session?.lanes
    if (lanes === undefined) return 0
    const isFree = (index: number) => !this.#connecting.has(index)
    const up = [...lanes.values()].filter(({ index }) => isFree(index))
    const replaced = up.find((lane) => lane.isReplacementWanted)
    if (replaced !== undefined) return replaced.index
    for (let index = 0; index < this.#lanesMax; index++) if (!lanes.has(index) && isFree(index)) return index
    const [silent] = up.sort((one, other) => one.lastByteAtMs - other.lastByteAtMs)
    return silent?.index ?? 0
  }

  #hello(index: number, session: Session | undefined): HelloMessage {
    const { instance, tun, software, lanes } = this.#options
    const join = session === undefined ? {} : { session: session.id, token: session.token, lane: index }
    return {
      type: 'HELLO',
      version: CONTROL_VERSION,
      instance,
      accepts: tun.accepts,
      mtu: MAX_MTU,
      software,
      lanes,
      ...this.#options.streams?.hello,
      ...join,
    }
  }

  /** The session that WELCOME opens takes the place of the one before, if there is one. */
  #openSession(welcome: WelcomeMessage, networks: ShootNetworks, remoteAddress: string): Session {
    const { instance, peerName: name, diallerId, tun, totals, lanes, events } = this.#options
    const hasPackets = welcome.carries?.includes('packets') ?? true
    if (hasPackets) tun.useOffloadsOf(welcome.accepts)
    const session: Session = new Session({
      ...this.#laneSettingFor(welcome),
      id: welcome.session,
      token: welcome.token,
      peer: { name, instance, remoteAddress, diallerId },
      queues: hasPackets ? tun.queues : NO_INTERFACE.queues,
      totals,
      policy: {
        side: 'shoot',
        networks,
        seedAddresses: welcome.addresses.seed.map(parseTransferAddress),
        mtu: welcome.mtu,
        ownOffloads: tun.accepts,
        peerOffloads: welcome.accepts,
      },
      lanesWanted: lanes,
      isReadyOnOpen: true,
      handler: {
        onLaneReady: () => {},
        onGoAway: (reason) => {
          if (reason === 'superseded') this.#onSuperseded()
        },
        onLaneDown: (lane, end) => events.onLaneClosed(session, lane, end),
        onClosed: (error) => this.#onClosed(session, error),
      },
    })
    session.activate()
    const previous = this.#session
    this.#session = session
    // There is one at a time, or a seed side that opens more and more could pile them up.
    previous?.abort(new Error('another session was opened'))
    this.#lanesMax = welcome.lanesMax
    this.#superseded = undefined
    events.onSessionOpened(session)
    this.#changed.emit('session')
    return session
  }

  /** The values of WELCOME hold for both sides (SPEC.md); smaller ones of our own notice a dead peer sooner. */
  #laneSettingFor({ keepaliveMs, deadAfterMs }: WelcomeMessage): LaneSetting {
    const { laneSetting } = this.#options
    return {
      ...laneSetting,
      keepaliveMs: Math.min(laneSetting.keepaliveMs, Math.max(keepaliveMs, MIN_ANNOUNCED.keepaliveMs)),
      deadAfterMs: Math.min(laneSetting.deadAfterMs, Math.max(deadAfterMs, MIN_ANNOUNCED.deadAfterMs)),
    }
  }

  #onSuperseded(): void {
    const { min, max } = SUPERSEDED_WAIT_MS
    const waitMs = min + Math.random() * (max - min)
    this.#superseded = { dialAgainAtMs: performance.now() + waitMs }
    // Where the seed side dials, it decides which client it dials next.
    this.#options.events.onSuperseded(this.#options.peer === undefined ? undefined : waitMs)
  }

  #onClosed(session: Session, error: Error | undefined): void {
    if (this.#session === session) this.#session = undefined
    if (error === undefined) this.#options.streams?.onLeft()
    this.#options.events.onSessionClosed(session, error)
    this.#changed.emit('gone')
  }

  /** Lane 0 is wanted unless another client took over a moment ago; further ones once there is a session to join. */
  async #untilWanted(index: number, signal: AbortSignal): Promise<void> {
    while (index > 0 && this.#session === undefined) await once(this.#changed, 'session', { signal })
    const waitMs = (this.#superseded?.dialAgainAtMs ?? 0) - performance.now()
    if (waitMs > 0) await wait(waitMs, undefined, { signal })
  }

  /** Settles when the session is gone, at the latest when the signal fires. */
  async #untilSessionGone(signal: AbortSignal): Promise<void> {
    while (this.#session !== undefined && !signal.aborted) {
      await once(this.#changed, 'gone', { signal }).catch(() => {})
    }
  }
}
