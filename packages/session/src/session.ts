import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { ShootNetworks } from '@reversed-vpn/ip'
import type { CloseCode, GoawayReason } from '@reversed-vpn/protocol'
import type { FrameStream } from './frame-stream.js'
import { FlowTable } from './lane/flow-table.js'
import { Lane } from './lane/lane.js'
import type { LaneEnd } from './lane/lane-handler.js'
import type { JoinStreams } from './lane/lane-options.js'
import type { PacketRedirector } from './lane/packet-framer.js'
import { type DeviceSharing, SendingLanes } from './sending-lanes.js'
import { SessionLanes } from './session-lanes.js'
import type { DrainOptions, SessionOptions, SessionPeer } from './session-options.js'
import { checkLegal, type Legal } from './state.js'
import { Timers } from './timers.js'
import { TrafficCheckers } from './traffic-policy.js'

/**
 * All lanes between one shoot-client and one seed-server.
 *
 *     opening ──activate──▶ active ──drain──▶ draining
 *        ├─────── drain ────────┼───────────────▲ │
 *        ├──────────────────────┴─────────────────┴── close, abort ──▶ closing ──▶ closed
 *        └──────────────────────┴─────────────────┴── last lane gone ──────────────▶ ▲
 *
 * Packets from the peer are taken in every state but `closed`; packets to the peer are sent while `active`.
 */
type SessionState = 'opening' | 'active' | 'draining' | 'closing' | 'closed'

const LEGAL: Legal<SessionState> = {
  opening: ['active', 'draining', 'closing', 'closed'],
  active: ['draining', 'closing', 'closed'],
  draining: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
}

interface AddLaneOptions {
  /** Ends in order when the new lane is ready, whatever its index. */
  readonly predecessor?: Lane | undefined
  /** @default the lane carries no streams */
  readonly joinStreams?: JoinStreams | undefined
}

/** Between two checks whether the peer has answered on a lane. */
const RETRY_SENDING_MS = 100

export class Session {
  readonly id: string
  readonly peer: SessionPeer
  /** For people, as the wall clock has it. */
  readonly openedAtMs = Date.now()

  readonly #createdAtMs = performance.now()
  readonly #options: SessionOptions
  readonly #checkers: TrafficCheckers
  readonly #lanes = new SessionLanes()
  readonly #sending: SendingLanes
  readonly #flows = new FlowTable()
  readonly #timers = new Timers()
  #state: SessionState = 'opening'
  #retry: NodeJS.Timeout | undefined
  /** Sent to every lane when the session is closing, also to one that comes too late. */
  #closeWith: readonly [code: CloseCode, reason: string] = ['internal', 'the session has ended']

  constructor(options: SessionOptions) {
    this.#options = options
    this.id = options.id
    this.peer = options.peer
    this.#checkers = new TrafficCheckers(options.policy)
    this.#sending = new SendingLanes({ ...options, lanes: this.#lanes })
  }

  /** A further lane must present it. A secret: for WELCOME only. */
  get token(): string {
    return this.#options.token
  }

  get lanesWanted(): number {
    return this.#options.lanesWanted
  }

  get state(): SessionState {
    return this.#state
  }

  /** The lanes that are up, by index, without those that are leaving. A copy. */
  get lanes(): ReadonlyMap<number, Lane> {
    return this.#lanes.byIndex()
  }

  /** Whether packets to the peer are sent now. */
  get ageMs(): number {
    return performance.now() - this.#createdAtMs
  }

  get isSending(): boolean {
    return this.#state === 'active' && this.#lanes.hasReady
  }

  /** Compares in constant time. */
  hasToken(token: string): boolean {
    const [own, presented] = [Buffer.from(this.#options.token), Buffer.from(token)]
    return own.length === presented.length && timingSafeEqual(own, presented)
  }

  /**
   * Adds a lane whose handshake is done. One that holds the same index sends until this one is ready, then
   * ends in order; so does `predecessor`, whatever its index.
   * @throws SyscallError when the TUN gives no queue; the connection is cut then, and the session ended if
   *   it has no other lane
   */
  addLane(index: number, frames: FrameStream, { predecessor, joinStreams }: AddLaneOptions = {}): Lane {
    const lane = this.#createLane(index, frames, joinStreams)
    this.#sending.prepare(lane)
    for (const old of this.#lanes.add(lane, predecessor)) this.#replace(old)
    this.#options.totals.add(lane)
    lane.open()
    if (this.#state === 'closing' || this.#state === 'closed') void this.#letGo(lane, ...this.#closeWith)
    else if (this.#options.isReadyOnOpen && !this.#lanes.hasReady) this.#onReady(lane)
    return lane
  }

  /** From now on packets to the peer take this session's lanes. */
  activate(): void {
    this.#enter('active')
    this.#send()
  }

  /** Lets packets travel to and from these networks from now on, in both directions. */
  setNetworks(networks: ShootNetworks): void {
    this.#checkers.setNetworks(networks)
  }

  /** Lets `redirect` take packets out of what this session's lanes read; undefined: none. */
  setRedirector(redirect: PacketRedirector | undefined): void {
    this.#sending.setRedirector(redirect)
  }

  /** Shares the device with other sessions that are up at the same time; undefined: has it alone. */
  setSharing(sharing: DeviceSharing | undefined): void {
    this.#sending.setSharing(sharing)
  }

  /** Whether packets to the peer are sent now, and it answers. */
  get isResponsive(): boolean {
    return this.#state === 'active' && this.#sending.isResponsive
  }

  /**
   * Has every lane replaced by one dialled, and authenticated, from now on; the old ones send until then.
   * @param withinMs lanes of today that are still there then are ended. @default they wait for a replacement
   */
  renewLanes(withinMs?: number): void {
    const lanes = this.#lanes.all()
    for (const lane of this.#lanes.byIndex().values()) lane.askForReplacement()
    if (withinMs === undefined) return
    this.#timers.start(withinMs, () => {
      for (const lane of lanes)
        void this.#letGo(lane, 'internal', 'not replaced since the certificates changed')
      this.#send()
    })
  }

  /**
   * Sends one packet, with its virtio-net header, that another session's lane has read. Copied; any lane will
   * do.
   */
  sendPayload(payload: Uint8Array): void {
    this.#lanes.first()?.sendPayload(payload)
  }

  /**
   * Leaves packets to the peer to another session and asks the peer to leave. Its packets are taken until
   * {@link close}.
   */
  drain(reason: GoawayReason, { closeAfterMs }: DrainOptions = {}): void {
    if (this.#state !== 'opening' && this.#state !== 'active') return
    this.#enter('draining')
    this.#sending.stop()
    for (const lane of this.#lanes.byIndex().values()) lane.sendGoAway(reason, false)
    if (closeAfterMs === undefined) return
    const text = `${reason}, and the drain time is over`
    this.#timers.start(closeAfterMs, () => void this.close('going-away', text))
  }

  /**
   * Ends every lane in order, those included that come up meanwhile. Settles when all are gone. Idempotent.
   */
  async close(code: CloseCode, reason: string): Promise<void> {
    this.#beginClosing(code, reason)
    while (this.#lanes.size > 0) {
      await Promise.all(this.#lanes.all().map((lane) => this.#letGo(lane, ...this.#closeWith)))
    }
    this.#end(undefined)
  }

  /** Cuts every lane at once. Idempotent. */
  abort(error: Error): void {
    this.#beginClosing(...this.#closeWith)
    for (const lane of this.#lanes.all()) lane.abort(error)
    this.#end(error)
  }

  #enter(next: SessionState): void {
    checkLegal('session', LEGAL, this.#state, next)
    this.#state = next
  }

  #beginClosing(code: CloseCode, reason: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#closeWith = [code, reason]
    this.#enter('closing')
  }

  #end(error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#enter('closed')
    this.#timers.close()
    this.#options.handler.onClosed(error)
  }

  #createLane(index: number, frames: FrameStream, joinStreams: JoinStreams | undefined): Lane {
    try {
      const lane: Lane = new Lane({
        ...this.#options,
        index,
        frames,
        queue: this.#options.queues.queue(index),
        toPeerChecker: this.#checkers.toPeer,
        fromPeerChecker: this.#checkers.fromPeer,
        flows: this.#flows,
        joinStreams,
        handler: {
          onReady: () => this.#onReady(lane),
          onSilenceChange: () => this.#send(),
          onGoAway: (reason) => this.#options.handler.onGoAway(reason),
          // Whoever did not dial can only ask; asking does no harm where it was us.
          onRotationDue: (reason) => lane.sendGoAway(reason, true),
          onDown: (end) => this.#onDown(lane, end),
        },
      })
      return lane
    } catch (error) {
      frames.abort(error as Error)
      if (this.#lanes.size === 0) this.abort(error as Error)
      throw error
    }
  }

  /** Has the ready lanes send, and tries again while it is open which of them the peer answers on. */
  #send(): void {
    if (this.#state !== 'active') return
    try {
      this.#timers.stop(this.#retry)
      if (!this.#sending.start()) this.#retry = this.#timers.start(RETRY_SENDING_MS, () => this.#send())
    } catch (error) {
      // The interface is gone. The lanes tell their owner.
      this.abort(error as Error)
    }
  }

  #onReady(lane: Lane): void {
    const replaced = this.#lanes.setReady(lane)
    if (replaced === undefined) return
    for (const old of replaced) this.#replace(old)
    this.#options.handler.onLaneReady(lane)
    this.#send()
  }

  #replace(lane: Lane): void {
    void this.#letGo(lane, 'replaced', 'another connection took this lane')
  }

  /** Ends a lane in order. Settles when it is gone. */
  #letGo(lane: Lane, code: CloseCode, reason: string): Promise<void> {
    this.#lanes.setLeaving(lane)
    return lane.close(code, reason)
  }

  #onDown(lane: Lane, end: LaneEnd): void {
    this.#options.totals.remove(lane)
    this.#lanes.delete(lane)
    this.#options.handler.onLaneDown(lane, end)
    this.#send()
    // A session that is closed or cut says itself how it ended.
    if (this.#lanes.size === 0 && this.#state !== 'closing') this.#end(end.error)
  }
}

/** The id of a new session, and the token for its further lanes. */
export function createSessionKeys(): { id: string; token: string } {
  return { id: randomBytes(16).toString('hex'), token: randomBytes(32).toString('hex') }
}
