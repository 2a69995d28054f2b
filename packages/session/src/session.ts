import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { ShootNetworks } from '@reversed-vpn/ip'
import type { QueueSet } from '@reversed-vpn/node-tun'
import type { CloseCode, GoawayReason } from '@reversed-vpn/protocol'
import type { FrameStream } from './frame-stream.js'
import type { SteeredLane } from './lane/flow-steering.js'
import { FlowTable } from './lane/flow-table.js'
import { silentAfterMs } from './lane/keepalive.js'
import { Lane } from './lane/lane.js'
import type { LaneHandler } from './lane/lane-handler.js'
import type { PacketDiverter } from './lane/lane-sender.js'
import type { TrafficTotals } from './lane/traffic-totals.js'
import { TrafficCheckers, type TrafficPolicy } from './traffic-policy.js'

/** Who is at the other end, as its certificate and its HELLO say. */
export interface SessionPeer {
  /** The name its certificate was accepted for. */
  readonly name: string
  /** SHA-256 of its certificate, where it was kept. */
  readonly fingerprint?: string
  /** Random per process of the shoot side. */
  readonly instance: string
  /** The address it dialled from, or was dialled at. */
  readonly remoteAddress: string
}

export interface SessionOptions {
  readonly id: string
  /** What a further lane has to show: 256 bits, hexadecimal. Never logged. */
  readonly token: string
  readonly peer: SessionPeer
  readonly queues: QueueSet
  readonly totals: TrafficTotals
  /** What may travel, at first; see {@link Session.setNetworks}. */
  readonly policy: TrafficPolicy
  /** How many lanes the side that dials keeps up. */
  readonly lanesWanted: number
  /** See `LaneOptions`. */
  readonly congestion?: string | undefined
  readonly keepaliveMs: number
  readonly deadAfterMs: number
  /** See `LaneOptions`. */
  readonly rotateAfterRecords?: number
  readonly rotateAfterMs?: number
  /** The seed side sends on a lane once its peer has answered there; the shoot side at once. */
  readonly isReadyOnOpen: boolean
  readonly handler: SessionHandler
}

/** What the owner of a session is told. */
export interface SessionHandler {
  /** A lane carries in both directions. The first of them makes the session ready. */
  onLaneReady(session: Session, lane: Lane): void
  /** The peer wants the session to end. */
  onGoAway(session: Session, reason: GoawayReason): void
  /** A lane is gone; the session goes on while it has others. Called once for each lane that was added. */
  onLaneDown(session: Session, lane: Lane, end: LaneEnd): void
  /** The session has ended: its last lane is gone, or it was ended before it had one. Called once. */
  onClosed(session: Session, error: Error | undefined): void
}

/** How a lane ended. */
export interface LaneEnd {
  /** Absent when it was closed in order. */
  readonly error: Error | undefined
  /** Another lane had taken its place: nothing was lost. */
  readonly isReplaced: boolean
}

/** What becomes of a session that drains. */
export interface DrainOptions {
  /** It is closed after so long. @default the peer closes it */
  readonly closeAfterMs?: number
}

/**
 * All lanes between one shoot-client and one seed-server.
 *
 *     opening ──activate──▶ active ──drain──▶ draining ──┐
 *        └─────────────────────┴───── last lane gone ────┴──▶ closed
 *
 * Packets from the peer are taken in every state but `closed`; packets to the peer are sent while `active`.
 */
export type SessionState = 'opening' | 'active' | 'draining' | 'closed'

const LEGAL: Readonly<Record<SessionState, readonly SessionState[]>> = {
  opening: ['active', 'draining', 'closed'],
  active: ['draining', 'closed'],
  draining: ['closed'],
  closed: [],
}

/** How soon it is looked again whether a lane is heard of. */
const CARRY_AGAIN_MS = 100

export class Session {
  readonly id: string
  readonly peer: SessionPeer
  readonly openedAtMs = Date.now()

  readonly #options: SessionOptions
  readonly #checkers: TrafficCheckers
  /** All that are running. None outlives the session. */
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #lanes = new Map<number, Lane>()
  /** Replaced lanes: they carry until their successor is ready, then let their last bytes leave. */
  readonly #leaving = new Set<Lane>()
  /** Lanes of another index that go when the lane they stand beside is ready. */
  readonly #predecessors = new Map<Lane, Lane>()
  /** Lanes that packets to the peer may take. */
  readonly #ready = new Set<Lane>()
  readonly #flows = new FlowTable()
  #state: SessionState = 'opening'
  /** Said to every lane once the session is to end, to one that comes too late as well. */
  #farewell: readonly [code: CloseCode, reason: string] | undefined
  #divert: PacketDiverter | undefined
  #carryTimer: NodeJS.Timeout | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.id = options.id
    this.peer = options.peer
    this.#checkers = new TrafficCheckers(options.policy)
  }

  /** What a further lane has to show. A secret: for WELCOME only. */
  get token(): string {
    return this.#options.token
  }

  get lanesWanted(): number {
    return this.#options.lanesWanted
  }

  get state(): SessionState {
    return this.#state
  }

  /** The lanes that are up, by index. */
  get lanes(): ReadonlyMap<number, Lane> {
    return this.#lanes
  }

  /** Whether packets to the peer are sent now. */
  get isSending(): boolean {
    return this.#state === 'active' && this.#ready.size > 0
  }

  /** Compares in constant time. */
  hasToken(token: string): boolean {
    return timingSafeEqual(Buffer.from(token.padEnd(64).slice(0, 64)), Buffer.from(this.#options.token))
  }

  /**
   * Adds a lane whose handshake is done. One that holds the same index carries until this one is ready, then ends in order;
   * so does `predecessor`, whatever its index.
   * @throws when the TUN gives no queue; the connection is cut then, and the session ended if this was to be its first lane
   */
  addLane(index: number, frames: FrameStream, predecessor?: Lane): Lane {
    const options = this.#options
    const lane = this.#createLaneOrEnd(index, frames)
    lane.setDiverter(this.#divert)
    const held = this.#lanes.get(index)
    this.#lanes.set(index, lane)
    options.totals.add(lane)
    if (held !== undefined) this.#leave(held)
    if (predecessor !== undefined && predecessor !== held) this.#predecessors.set(lane, predecessor)
    lane.open()
    if (options.isReadyOnOpen) this.#onReady(lane)
    if (this.#farewell !== undefined) void lane.close(...this.#farewell)
    return lane
  }

  /** Lets packets travel to and from these networks from now on, in both directions. */
  setNetworks(networks: ShootNetworks): void {
    this.#checkers.setNetworks(networks)
  }

  /** From now on packets to the peer go over this session's lanes. */
  activate(): void {
    this.#enter('active')
    this.#carry()
  }

  /** Lets `divert` take packets out of what this session's lanes read; undefined: none. */
  setDiverter(divert: PacketDiverter | undefined): void {
    this.#divert = divert
    for (const lane of this.#allLanes()) lane.setDiverter(divert)
  }

  /**
   * Has every lane replaced by one that is dialled, and judged, from now on; the old ones carry until then.
   * @param withinMs those of today that are still there then are ended. @default they stay until they are replaced
   */
  renewLanes(withinMs?: number): void {
    const lanes = this.#allLanes()
    for (const lane of this.#lanes.values()) lane.askForReplacement()
    if (withinMs === undefined) return
    this.#startTimer(withinMs, () => {
      for (const lane of lanes) void lane.close('internal', 'not replaced since the certificates changed')
    })
  }

  /** Sends one packet, with its virtio-net header, that another session's lane has read. Copied; any lane will do. */
  sendPayload(payload: Uint8Array): void {
    const lane = this.#lanes.values().next().value
    lane?.sendPayload(payload)
  }

  /** Leaves packets to the peer to another session and asks the peer to leave. Its packets are taken until {@link close}. */
  drain(reason: GoawayReason, { closeAfterMs }: DrainOptions = {}): void {
    if (this.#state === 'closed' || this.#state === 'draining') return
    this.#enter('draining')
    this.#steer([])
    for (const lane of this.#lanes.values()) {
      lane.stopSending()
      lane.sendGoAway(reason, false)
    }
    if (closeAfterMs === undefined) return
    const text = `${reason}, and the drain time is over`
    this.#startTimer(closeAfterMs, () => void this.close('going-away', text))
  }

  /** Ends every lane in order, those included that come up meanwhile. Settles when all are gone. Idempotent. */
  async close(code: CloseCode, reason: string): Promise<void> {
    this.#farewell ??= [code, reason]
    for (let lanes = this.#allLanes(); lanes.length > 0; lanes = this.#allLanes()) {
      await Promise.all(lanes.map((lane) => lane.close(code, reason)))
    }
    this.#end(undefined)
  }

  /** Cuts every lane at once. Idempotent. */
  abort(error: Error): void {
    this.#farewell ??= ['internal', 'the session has ended']
    for (const lane of this.#allLanes()) lane.abort(error)
    this.#end(error)
  }

  #allLanes(): Lane[] {
    return [...this.#lanes.values(), ...this.#leaving]
  }

  #createLaneOrEnd(index: number, frames: FrameStream): Lane {
    try {
      return this.#createLane(index, frames)
    } catch (error) {
      frames.abort(error as Error)
      if (this.#lanes.size === 0) this.abort(error as Error)
      throw error
    }
  }

  #createLane(index: number, frames: FrameStream): Lane {
    const { queues, congestion, keepaliveMs, deadAfterMs } = this.#options
    const { rotateAfterRecords, rotateAfterMs } = this.#options
    const handler: LaneHandler = {
      onReady: (ready) => this.#onReady(ready),
      onGoAway: (_, reason, laneOnly) => this.#onGoAway(reason, laneOnly),
      onRotationDue: (due, reason) => this.#onRotationDue(due, reason),
      onDown: (down, error) => this.#onDown(down, error),
    }
    return new Lane({
      index,
      frames,
      queue: queues.queue(index),
      toPeerChecker: this.#checkers.toPeer,
      fromPeerChecker: this.#checkers.fromPeer,
      flows: this.#flows,
      congestion,
      keepaliveMs,
      deadAfterMs,
      ...(rotateAfterRecords === undefined ? {} : { rotateAfterRecords }),
      ...(rotateAfterMs === undefined ? {} : { rotateAfterMs }),
      handler,
    })
  }

  #enter(next: SessionState): void {
    if (next === this.#state) return
    if (!LEGAL[this.#state].includes(next))
      throw new Error(`session cannot go from ${this.#state} to ${next}`)
    this.#state = next
  }

  #end(error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#enter('closed')
    this.#farewell ??= ['internal', 'the session has ended']
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#options.handler.onClosed(this, error)
  }

  #startTimer(ms: number, work: () => void): NodeJS.Timeout | undefined {
    if (this.#state === 'closed') return undefined
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      work()
    }, ms).unref()
    this.#timers.add(timer)
    return timer
  }

  #carry(): void {
    if (this.#state !== 'active') return
    const { queues } = this.#options
    const carrying = new Set([...this.#ready].map((lane) => lane.index))
    const heard = [...this.#ready].find((lane) => this.#isHeard(lane))
    try {
      queues.setCarrying(carrying, heard && ((payload) => this.#rescue(payload, heard)))
    } catch (error) {
      // The interface is gone. The lanes tell their owner.
      this.abort(error as Error)
      return
    }
    this.#steer([...carrying].map((index) => ({ index, queue: queues.queue(index) })))
    for (const lane of this.#ready) lane.startSending()
    if (heard === undefined && this.#ready.size > 0) this.#carryLater()
  }

  /** What is sent to a peer that was not heard of lately may be lost. */
  #isHeard(lane: Lane): boolean {
    return performance.now() - lane.lastByteAtMs < silentAfterMs(this.#options)
  }

  /** What waited for a lane that is gone goes over another one, or over another session's. */
  #rescue(payload: Buffer, lane: Lane): void {
    if (this.#divert?.(payload, 0, payload.length) !== true) lane.sendPayload(payload)
  }

  /** Until a lane is heard of, or none is left. */
  #carryLater(): void {
    if (this.#carryTimer !== undefined) return
    this.#carryTimer = this.#startTimer(CARRY_AGAIN_MS, () => {
      this.#carryTimer = undefined
      this.#carry()
    })
  }

  #steer(lanes: readonly SteeredLane[]): void {
    for (const lane of this.#allLanes()) lane.steer(lanes)
  }

  #onReady(lane: Lane): void {
    if (lane.isDown || this.#ready.has(lane) || this.#lanes.get(lane.index) !== lane) return
    this.#ready.add(lane)
    for (const held of this.#leaving) if (held.index === lane.index) this.#letGo(held)
    const predecessor = this.#predecessors.get(lane)
    if (predecessor !== undefined && this.#lanes.get(predecessor.index) === predecessor)
      this.#letGo(predecessor)
    this.#options.handler.onLaneReady(this, lane)
    this.#carry()
  }

  /** Carries until its successor is ready. One that never was ready goes at once, or a peer that never answers could pile them up. */
  #leave(held: Lane): void {
    this.#leaving.add(held)
    if (!this.#ready.has(held)) this.#letGo(held)
  }

  #letGo(held: Lane): void {
    this.#ready.delete(held)
    held.stopSending()
    void held.close('replaced', 'another connection took this lane')
  }

  #onGoAway(reason: GoawayReason, laneOnly: boolean): void {
    if (!laneOnly) this.#options.handler.onGoAway(this, reason)
  }

  /** Whoever did not dial can only ask; asking does no harm where it was us. */
  #onRotationDue(lane: Lane, reason: GoawayReason): void {
    lane.sendGoAway(reason, true)
  }

  #onDown(lane: Lane, error: Error | undefined): void {
    this.#options.totals.remove(lane)
    this.#ready.delete(lane)
    this.#predecessors.delete(lane)
    const isReplaced = this.#leaving.delete(lane)
    if (!isReplaced) {
      this.#lanes.delete(lane.index)
      this.#restoreHeld(lane.index)
    }
    this.#options.handler.onLaneDown(this, lane, { error, isReplaced })
    if (isReplaced) return
    this.#carry()
    if (this.#lanes.size === 0) this.#end(error)
  }

  /** A successor that failed before it was ready leaves the index to the lane it was to replace. */
  #restoreHeld(index: number): void {
    for (const held of this.#leaving) {
      if (held.index !== index || !this.#ready.has(held)) continue
      this.#leaving.delete(held)
      this.#lanes.set(index, held)
    }
  }
}

/** A new session's name and what further lanes have to show. */
export function createSessionKeys(): { id: string; token: string } {
  return { id: randomBytes(16).toString('hex'), token: randomBytes(32).toString('hex') }
}
