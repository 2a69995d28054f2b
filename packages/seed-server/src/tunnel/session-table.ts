import { isIP } from 'node:net'
import { type TunnelInterface, withoutInterface } from '@reversed-vpn/host-network'
import { allNetworks, CidrSet, type ShootNetworks } from '@reversed-vpn/ip'
import type { CarriedKind, HelloMessage, RejectCode } from '@reversed-vpn/protocol'
import {
  createSessionKeys,
  type FrameStream,
  type Lane,
  rejectPeer,
  Session,
  type SessionPeer,
  type TrafficTotals,
} from '@reversed-vpn/session'
import { findCarryProblem } from '@reversed-vpn/tunnel-daemon'
import { ActiveSession } from './active-session.js'
import type { StreamTable } from './stream-table.js'
import type { TableEvents } from './table-events.js'
import { type Announcement, createWelcome, sessionMtu } from './welcome.js'

interface SessionTableOptions extends Announcement {
  readonly tun: Pick<TunnelInterface, 'accepts' | 'queues' | 'useOffloadsOf'>
  readonly totals: TrafficTotals
  /** At first; see {@link SessionTable.setNetworks}. */
  readonly networks: ShootNetworks
  /** How long a superseded session may still bring packets. */
  readonly drainTimeoutMs: number
  readonly events: TableEvents
  /** What lanes may carry. @default packets */
  readonly carries?: readonly CarriedKind[]
  /** Needed where these are streams too. */
  readonly streams?: StreamTable | undefined
}

/** How a connection is accepted that we dialled ourselves. */
export interface AcceptOptions {
  /** It was dialled for a further lane: only one that joins a session is accepted. @default false */
  readonly mustJoin?: boolean
  /** The lane that it was dialled to replace, which closes when this one is ready, whatever its index. */
  readonly predecessor?: Lane | undefined
}

interface Refusal {
  readonly code: RejectCode
  readonly reason: string
}

/** What became of a connection. */
type Acceptance =
  | { readonly session: Session; readonly lane: Lane; readonly refusal?: undefined }
  | { readonly refusal: Refusal; readonly session?: undefined; readonly lane?: undefined }

/** Sessions at a time. More can only come from a peer that opens them and answers no PING: the oldest of those is cut. */
const MAX_SESSIONS = 8

/** For sessions without packets: those in the TUN are not theirs. */
const NO_INTERFACE = withoutInterface()

/**
 * The sessions of the one shoot that this seed-server serves. One of them is active: packets to the shoot go over it. A newer
 * one takes over once its peer has answered a PING, and the one before is asked to leave.
 */
export class SessionTable {
  readonly #options: SessionTableOptions
  readonly #sessions = new Map<string, Session>()
  readonly #active = new ActiveSession()
  #networks: ShootNetworks
  #networkSet: CidrSet
  #isClosing = false

  constructor(options: SessionTableOptions) {
    this.#options = options
    this.#networks = options.networks
    this.#networkSet = CidrSet.of(allNetworks(options.networks))
  }

  /** The shoot's networks, as they are announced. */
  get networks(): ShootNetworks {
    return this.#networks
  }

  get sessions(): readonly Session[] {
    return [...this.#sessions.values()]
  }

  /** Where the packets of the tunnel's connections go: those addresses can't be reached through the tunnel. */
  get peerAddresses(): readonly string[] {
    return this.sessions.map(({ peer }) => outerAddressOf(peer)).filter((address) => isIP(address) !== 0)
  }

  get active(): Session | undefined {
    return this.#active.current
  }

  /** Whether packets can be sent to the shoot now. */
  get isUp(): boolean {
    return this.#active.isUp
  }

  /** Resolves as soon as {@link isUp}; rejects with the signal's reason. */
  waitUntilUp(signal: AbortSignal): Promise<void> {
    return this.#active.waitUntilUp(signal)
  }

  /**
   * Lets packets travel to and from these networks from now on, and has every lane replaced: that announces them to the other
   * side.
   */
  setNetworks(networks: ShootNetworks): void {
    this.#networks = networks
    this.#networkSet = CidrSet.of(allNetworks(networks))
    for (const session of this.#sessions.values()) session.setNetworks(networks)
    this.renewLanes()
  }

  /** Has every lane of every session replaced. @param withinMs see `Session` */
  renewLanes(withinMs?: number): void {
    for (const session of this.#sessions.values()) session.renewLanes(withinMs)
  }

  /** Answers HELLO: the connection becomes a lane of a session, a new or a known one, or is rejected. */
  accept(
    frames: FrameStream,
    hello: HelloMessage,
    peer: Omit<SessionPeer, 'instance'>,
    { mustJoin = false, predecessor }: AcceptOptions = {},
  ): Acceptance {
    const refusal = this.#findRefusal(hello, peer, mustJoin)
    if (refusal !== undefined) {
      this.#options.events.onRejected(peer, refusal.code)
      rejectPeer(frames, refusal.code, refusal.reason)
      return { refusal }
    }
    const joined = this.#sessions.get(hello.session ?? '')
    const session = joined ?? this.#open(hello, { ...peer, instance: hello.instance })
    const index = joined === undefined ? 0 : (hello.lane ?? 0)
    const streams = this.#options.streams?.admit(hello, peer.name, joined)
    streams?.bind(session)
    try {
      const welcome = createWelcome(this.#options, this.#networks, session, index, hello)
      frames.sendControl({ ...welcome, ...streams?.welcome })
    } catch (error) {
      // A session without a lane would never end, and the other side would blame itself for the silence.
      if (joined === undefined) session.abort(error as Error)
      const refusal: Refusal = { code: 'internal', reason: 'WELCOME could not be sent' }
      this.#options.events.onRejected(peer, refusal.code)
      rejectPeer(frames, refusal.code, refusal.reason)
      return { refusal }
    }
    const lane = session.addLane(index, frames, { predecessor, joinStreams: streams?.joinStreams })
    this.#options.events.onLaneOpened(session, lane)
    return { session, lane }
  }

  /** Ends all sessions in order; new ones are rejected. Idempotent. */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(
      this.sessions.map((session) => session.close('going-away', 'the seed-server is stopping')),
    )
    this.#options.streams?.close()
  }

  #findRefusal(
    hello: HelloMessage,
    peer: Omit<SessionPeer, 'instance'>,
    mustJoin: boolean,
  ): Refusal | undefined {
    if (this.#isClosing) return { code: 'shutting-down', reason: 'the seed-server is stopping' }
    const carryProblem = findCarryProblem(this.#carries, hello.carries)
    if (carryProblem !== undefined) return { code: 'version', reason: carryProblem }
    // An address with a zone is in no network.
    const address = outerAddressOf(peer)
    if (this.#carriesPackets(hello) && isIP(address) !== 0 && this.#networkSet.has(address)) {
      const reason = `the connection comes from ${address}, inside the shoot's networks: it would run through itself`
      return { code: 'networks', reason }
    }
    if (hello.session === undefined) {
      return mustJoin
        ? { code: 'unknown-session', reason: 'this connection is for a further lane' }
        : undefined
    }
    const session = this.#sessions.get(hello.session)
    const fits = session?.hasToken(hello.token ?? '') === true && session.peer.name === peer.name
    if (!fits) return { code: 'unknown-session', reason: 'no such session' }
    const { lanesMax } = this.#options
    if ((hello.lane ?? 0) < lanesMax) return undefined
    return { code: 'lane-out-of-range', reason: `lane ${hello.lane} of at most ${lanesMax}` }
  }

  get #carries(): readonly CarriedKind[] {
    return this.#options.carries ?? ['packets']
  }

  #carriesPackets({ carries = ['packets'] }: HelloMessage): boolean {
    return carries.includes('packets') && this.#carries.includes('packets')
  }

  #open(hello: HelloMessage, peer: SessionPeer): Session {
    this.#endDeadSessionOf(peer.instance)
    this.#makeRoom()
    const { tun, totals, seedAddresses, lanesMax, laneSetting, events } = this.#options
    const session: Session = new Session({
      ...createSessionKeys(),
      ...laneSetting,
      peer,
      queues: this.#carriesPackets(hello) ? tun.queues : NO_INTERFACE.queues,
      totals,
      policy: {
        side: 'seed',
        networks: this.#networks,
        seedAddresses,
        mtu: sessionMtu(this.#options, hello),
        ownOffloads: tun.accepts,
        peerOffloads: hello.accepts,
      },
      lanesWanted: Math.min(hello.lanes ?? 1, lanesMax),
      isReadyOnOpen: false,
      handler: {
        onLaneReady: () => this.#onLaneReady(session, hello),
        onGoAway: () => {},
        onLaneDown: (lane, end) => events.onLaneClosed(session, lane, end),
        onClosed: (error) => this.#onClosed(session, error),
      },
    })
    this.#sessions.set(session.id, session)
    events.onSessionOpened(session)
    return session
  }

  /** A process that opens another session has lost the one before. */
  #endDeadSessionOf(instance: string): void {
    for (const session of this.sessions) {
      if (session.peer.instance === instance)
        session.abort(new Error('the same instance opened a new session'))
    }
  }

  #makeRoom(): void {
    if (this.#sessions.size < MAX_SESSIONS) return
    const oldest = this.sessions.find((session) => session !== this.active)
    oldest?.abort(new Error(`more than ${MAX_SESSIONS} sessions at a time`))
  }

  #onLaneReady(session: Session, hello: HelloMessage): void {
    const { tun, drainTimeoutMs, events } = this.#options
    if (session.state === 'opening') {
      if (this.#carriesPackets(hello)) tun.useOffloadsOf(hello.accepts)
      const superseded = this.#active.replace(session, drainTimeoutMs)
      this.#options.streams?.onActive(hello.instance)
      events.onSessionActive(session, superseded)
    }
    this.#active.onLaneReady()
  }

  #onClosed(session: Session, error: Error | undefined): void {
    this.#sessions.delete(session.id)
    this.#active.remove(session)
    if (error === undefined) this.#options.streams?.onLeft(session)
    this.#options.events.onSessionClosed(session, error)
  }
}

/** Of a client behind a proxy that is the proxy's. What a PROXY header says may lie anywhere, in the shoot's own networks too. */
function outerAddressOf({ proxyAddress, remoteAddress }: Omit<SessionPeer, 'instance'>): string {
  return proxyAddress ?? remoteAddress
}
