import type { TunnelInterface } from '@reversed-vpn/host-network'
import { TunnelError } from '@reversed-vpn/protocol'
import {
  FlowOwners,
  type FrameStream,
  rejectPeer,
  type Session,
  type SessionPeer,
} from '@reversed-vpn/session'
import type { Forwarding } from './forwarding.js'
import type { ManagerEvents } from './manager-events.js'
import type { SessionManager, SessionManagerOptions } from './session-manager.js'
import type { SeedStreams } from './streams/seed-streams.js'

interface SeedServersOptions {
  readonly tun: Pick<TunnelInterface, 'accepts' | 'queues' | 'useOffloadsOf'>
  readonly forwarding: Pick<Forwarding, 'apply' | 'follow' | 'networksOf' | 'leave'>
  readonly events: ManagerEvents
  readonly createManager: (parts: ManagerParts) => SessionManager
  /** For each of them. @default lanes carry no streams */
  readonly createStreams?: (() => SeedStreams) | undefined
  /** How long the flows of a seed-server without a session wait for it. @default 60000 */
  readonly keepMs?: number
}

/** What the sessions with one seed-server have of their own. */
type ManagerParts = Pick<SessionManagerOptions, 'tun' | 'network' | 'events' | 'diallerId' | 'streams'>

interface Served {
  readonly manager: SessionManager
  readonly queues: TunnelInterface['queues']
  /** Connections that are not lanes yet. */
  connecting: number
  /** It has had a session: it may have flows. */
  isKnown: boolean
  forgetting: NodeJS.Timeout | undefined
}

/** Seed-servers that are served at a time. */
const MAX_SEED_SERVERS = 8

const KEEP_MS = 60_000

/**
 * The seed-servers that this shoot-client serves: one where it dials, any that dial it where it listens. Each has a session of
 * its own, and queues of the TUN. All use the same addresses, so while there are several, answers are sent where their flow came
 * from (`FlowOwners`); a packet of no known flow is for the one that was there first.
 */
export class SeedServers {
  readonly #options: SeedServersOptions
  /** By the id that they dial with; the longest known first. */
  readonly #served = new Map<string, Served>()
  readonly #owners = new FlowOwners<Served>()
  /** Queues that nobody has; the ones used last are at the end. */
  readonly #spareQueues: TunnelInterface['queues'][]
  #isDialling = false

  constructor(options: SeedServersOptions) {
    this.#options = options
    this.#spareQueues = [options.tun.queues]
  }

  /** One for each seed-server that has one. */
  get sessions(): readonly Session[] {
    return [...this.#served.values()].flatMap(({ manager }) => manager.session ?? [])
  }

  /** The multiplexers of streams, one for each seed-server that has one. */
  get multiplexers(): readonly NonNullable<SeedStreams['multiplexer']>[] {
    return [...this.#served.values()].flatMap(({ manager }) => manager.streams?.multiplexer ?? [])
  }

  /** Starts to dial the one that is configured. */
  dial(): void {
    this.#isDialling = true
    this.#add('', undefined).manager.start()
  }

  /**
   * Makes a connection that a seed-server dialled a lane of its session. Those that do not say who they are, as older ones,
   * are taken for one.
   * @throws TunnelError ERR_TOO_MANY_SESSIONS and as `SessionManager.accept`; the connection is ended then
   */
  async accept(
    frames: FrameStream,
    { remoteAddress, diallerId }: Omit<SessionPeer, 'instance'>,
  ): Promise<void> {
    const key = diallerId ?? ''
    const served = this.#served.get(key) ?? this.#admit(frames, key, diallerId)
    served.connecting++
    try {
      await served.manager.accept(frames, remoteAddress)
    } finally {
      served.connecting--
      this.#forgetLater(key, served)
    }
  }

  /** Has every lane replaced. @param withinMs see `Session` */
  renewLanes(withinMs?: number): void {
    for (const { manager } of this.#served.values()) manager.renewLanes(withinMs)
  }

  /** Has every session use the networks that are let in now. */
  followNetworks(): void {
    for (const served of this.#served.values()) {
      const networks = this.#options.forwarding.networksOf(served)
      if (networks !== undefined) served.manager.session?.setNetworks(networks)
    }
  }

  /** Ends all sessions, see `SessionManager.stop`. Idempotent. */
  async stop(drainMs = 0): Promise<void> {
    await Promise.all([...this.#served.values()].map(({ manager }) => manager.stop(drainMs)))
    for (const { forgetting } of this.#served.values()) clearTimeout(forgetting)
  }

  #admit(frames: FrameStream, key: string, diallerId: string | undefined): Served {
    if (this.#served.size >= MAX_SEED_SERVERS) {
      const gone = [...this.#served].find(
        ([, { manager, connecting }]) => !manager.session && connecting === 0,
      )
      if (gone === undefined) {
        const text = `${MAX_SEED_SERVERS} seed-servers have a session, which is the limit`
        rejectPeer(frames, 'internal', text)
        throw new TunnelError('ERR_TOO_MANY_SESSIONS', text)
      }
      this.#forget(gone[0])
    }
    return this.#add(key, diallerId)
  }

  #add(key: string, diallerId: string | undefined): Served {
    const { tun, forwarding, events, createManager, createStreams } = this.#options
    const queues = this.#spareQueues.pop() ?? tun.queues.another()
    const manager = createManager({
      tun: { accepts: tun.accepts, queues, useOffloadsOf: (kinds) => tun.useOffloadsOf(kinds) },
      network: {
        apply: (welcome) => forwarding.apply(welcome, served),
        follow: (welcome) => forwarding.follow(welcome, served),
      },
      events: {
        ...events,
        onSessionOpened: (session) => {
          events.onSessionOpened(session)
          this.#onOpened(served)
        },
        onSessionClosed: (session, error) => {
          events.onSessionClosed(session, error)
          this.#onClosed(key, served)
        },
      },
      diallerId,
      streams: createStreams?.(),
    })
    const served: Served = { manager, queues, connecting: 0, isKnown: false, forgetting: undefined }
    this.#served.set(key, served)
    return served
  }

  #onOpened(served: Served): void {
    clearTimeout(served.forgetting)
    served.isKnown = true
    this.#share()
  }

  #onClosed(key: string, served: Served): void {
    // Another one may have taken its place.
    if (served.manager.session !== undefined) return
    this.#options.forwarding.leave(served)
    this.#forgetLater(key, served)
    this.#share()
  }

  /** One without a session is forgotten after a while, at once where it never had one. */
  #forgetLater(key: string, served: Served): void {
    if (this.#isDialling || served.manager.session !== undefined || served.connecting > 0) return
    const { keepMs = KEEP_MS } = this.#options
    clearTimeout(served.forgetting)
    if (served.isKnown) served.forgetting = setTimeout(() => this.#forget(key), keepMs).unref()
    else this.#forget(key)
  }

  #forget(key: string): void {
    const served = this.#served.get(key)
    if (served === undefined || served.manager.session !== undefined || served.connecting > 0) return
    clearTimeout(served.forgetting)
    this.#served.delete(key)
    this.#owners.forget(served)
    this.#spareQueues.push(served.queues)
    void served.manager.stop()
    this.#share()
  }

  /** Has sessions look at their packets only while there are several, and nothing wait where nobody reads. */
  #share(): void {
    const known = [...this.#served.values()].filter(({ isKnown }) => isKnown)
    const isShared = known.length > 1
    if (!isShared) this.#owners.clear()
    for (const served of known)
      served.manager.session?.setSharing(isShared ? this.#sharingOf(served) : undefined)
    if (this.sessions.length === 0) return
    for (const served of this.#served.values()) {
      if (served.manager.session === undefined)
        served.queues.release((payload) => this.#redirect(served, payload))
    }
  }

  #sharingOf(served: Served): Parameters<Session['setSharing']>[0] {
    return {
      redirect: (bytes, payloadOffset, payloadBytes) =>
        this.#redirect(served, bytes.subarray(payloadOffset, payloadOffset + payloadBytes)),
      admit: (bytes, payloadOffset) => this.#owners.claim(served, bytes, payloadOffset, Date.now()),
      isOtherUp: () => this.sessions.some((other) => other !== served.manager.session && other.isResponsive),
    }
  }

  /** @returns false when the packet is for `reader`, which has read it */
  #redirect(reader: Served, payload: Buffer): boolean {
    const owner = this.#owners.ownerOf(payload, 0, Date.now()) ?? this.#longestKnown()
    if (owner === reader) return false
    owner?.manager.session?.sendPayload(payload)
    return true
  }

  #longestKnown(): Served | undefined {
    for (const served of this.#served.values()) if (served.isKnown) return served
    return undefined
  }
}
