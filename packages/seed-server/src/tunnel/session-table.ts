import { isIP } from 'node:net'
import type { TunnelInterface } from '@reversed-vpn/host-network'
import { allNetworks, CidrSet, type ShootNetworks, type TransferAddress } from '@reversed-vpn/ip'
import {
  CONTROL_VERSION,
  type HelloMessage,
  type RejectCode,
  type WelcomeMessage,
} from '@reversed-vpn/protocol'
import { untilSettled } from '@reversed-vpn/relay'
import {
  createSessionKeys,
  FlowLedger,
  type FrameStream,
  type Lane,
  rejectPeer,
  Session,
  type SessionPeer,
  type TrafficTotals,
} from '@reversed-vpn/session'
import type { LaneSetting } from '@reversed-vpn/tunnel-daemon'
import type { TableEvents } from './table-events.js'

export interface SessionTableOptions {
  readonly tun: Pick<TunnelInterface, 'accepts' | 'queues' | 'useOffloadsOf'>
  readonly totals: TrafficTotals
  /** At first; see {@link SessionTable.setNetworks}. */
  readonly networks: ShootNetworks
  readonly seedAddresses: readonly TransferAddress[]
  readonly shootAddresses: readonly TransferAddress[]
  readonly mtu: number
  readonly lanesMax: number
  readonly laneSetting: LaneSetting
  /** How long a superseded session may still bring packets. */
  readonly drainTimeoutMs: number
  readonly events: TableEvents
}

/** How a connection is taken that we dialled ourselves. */
export interface AcceptOptions {
  /** It was dialled for a further lane: only one that joins a session will do. @default false */
  readonly mustJoin?: boolean
  /** The lane that it was dialled to replace, which goes when this one carries, whatever its index. */
  readonly predecessor?: Lane | undefined
}

export interface Refusal {
  readonly code: RejectCode
  readonly reason: string
}

/** What became of a connection. */
export type Acceptance =
  | { readonly session: Session; readonly lane: Lane; readonly refusal?: undefined }
  | { readonly refusal: Refusal; readonly session?: undefined; readonly lane?: undefined }

/** Sessions at a time. More can only come from a peer that opens them and answers no PING: the oldest of those goes. */
const MAX_SESSIONS = 8

/**
 * The sessions of the one shoot that this seed-server serves. One of them is active: packets to the shoot go over it. A newer
 * one takes over once its peer has answered a PING, and the one before is asked to leave.
 */
export class SessionTable {
  readonly #options: SessionTableOptions
  readonly #sessions = new Map<string, Session>()
  readonly #waiters = new Set<() => void>()
  readonly #flows = new FlowLedger<Session>()
  #networks: ShootNetworks
  #networkSet: CidrSet
  #active: Session | undefined
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

  get active(): Session | undefined {
    return this.#active
  }

  /** Whether packets can be sent to the shoot now. */
  get isUp(): boolean {
    return this.#active?.isSending ?? false
  }

  /** Resolves as soon as {@link isUp}; rejects with the signal's reason. */
  waitUntilUp(signal: AbortSignal): Promise<void> {
    if (this.isUp) return Promise.resolve()
    return untilSettled(signal, (resolve) => {
      const onUp = () => resolve()
      this.#waiters.add(onUp)
      return () => this.#waiters.delete(onUp)
    })
  }

  /** Lets packets travel to and from these networks from now on, and has every lane replaced: that announces them to the other side. */
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

  /** Answers HELLO: the connection becomes a lane of a session, a new or a known one, or is refused. */
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
    frames.sendControl(this.#welcome(session, index, hello))
    const lane = session.addLane(index, frames, predecessor)
    this.#options.events.onLaneOpened(session, lane)
    return { session, lane }
  }

  /** Ends all sessions in order; new ones are rejected. Idempotent. */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(
      this.sessions.map((session) => session.close('going-away', 'the seed-server is stopping')),
    )
  }

  #findRefusal(
    hello: HelloMessage,
    peer: Omit<SessionPeer, 'instance'>,
    mustJoin: boolean,
  ): Refusal | undefined {
    if (this.#isClosing) return { code: 'shutting-down', reason: 'the seed-server is stopping' }
    // What is no address, such as one with a zone, is in no network.
    if (isIP(peer.remoteAddress) !== 0 && this.#networkSet.has(peer.remoteAddress)) {
      const reason = `the connection comes from ${peer.remoteAddress}, inside the shoot's networks: it would run through itself`
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

  #open(hello: HelloMessage, peer: SessionPeer): Session {
    this.#endDeadSessionOf(peer.instance)
    this.#makeRoom()
    const { tun, totals, seedAddresses, lanesMax, laneSetting, events } = this.#options
    const session: Session = new Session({
      ...createSessionKeys(),
      ...laneSetting,
      peer,
      queues: tun.queues,
      totals,
      policy: {
        side: 'seed',
        networks: this.#networks,
        seedAddresses,
        mtu: this.#mtuFor(hello),
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

  /** A process that says HELLO anew has lost what it had before. */
  #endDeadSessionOf(instance: string): void {
    for (const session of this.sessions) {
      if (session.peer.instance === instance)
        session.abort(new Error('the same instance began a new session'))
    }
  }

  #makeRoom(): void {
    if (this.#sessions.size < MAX_SESSIONS) return
    const oldest = this.sessions.find((session) => session !== this.#active)
    oldest?.abort(new Error(`more than ${MAX_SESSIONS} sessions at a time`))
  }

  #mtuFor(hello: HelloMessage): number {
    return Math.min(this.#options.mtu, hello.mtu)
  }

  #welcome(session: Session, lane: number, hello: HelloMessage): WelcomeMessage {
    const { tun, seedAddresses, shootAddresses, lanesMax, laneSetting } = this.#options
    return {
      type: 'WELCOME',
      version: CONTROL_VERSION,
      session: session.id,
      token: session.token,
      lane,
      lanesMax,
      mtu: this.#mtuFor(hello),
      accepts: tun.accepts,
      addresses: {
        seed: seedAddresses.map(({ cidr }) => cidr),
        shoot: shootAddresses.map(({ cidr }) => cidr),
      },
      networks: this.#networks,
      keepaliveMs: laneSetting.keepaliveMs,
      deadAfterMs: laneSetting.deadAfterMs,
    }
  }

  #onLaneReady(session: Session, hello: HelloMessage): void {
    if (session.state === 'opening') this.#activate(session, hello)
    if (!this.isUp) return
    for (const onUp of [...this.#waiters]) onUp()
    this.#waiters.clear()
  }

  #activate(session: Session, hello: HelloMessage): void {
    const previous = this.#active
    previous?.drain('superseded', { closeAfterMs: this.#options.drainTimeoutMs })
    this.#options.tun.useOffloadsOf(hello.accepts)
    this.#active = session
    this.#flows.add(session)
    this.#followFlows()
    session.activate()
    this.#options.events.onSessionActive(session, previous)
  }

  /** While a session drains, connections that it opened go on over it; the newest session's lanes read for both. */
  #followFlows(): void {
    const flows = this.#flows
    this.#active?.setRedirector(
      flows.isKept
        ? (bytes, payloadOffset, payloadBytes) => {
            const carrier = flows.olderOwnerOf(bytes, payloadOffset)
            carrier?.sendPayload(bytes.subarray(payloadOffset, payloadOffset + payloadBytes))
            return carrier !== undefined
          }
        : undefined,
    )
  }

  #onClosed(session: Session, error: Error | undefined): void {
    this.#sessions.delete(session.id)
    this.#flows.delete(session)
    this.#followFlows()
    if (this.#active === session) this.#active = undefined
    this.#options.events.onSessionClosed(session, error)
  }
}
