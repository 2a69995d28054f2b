import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { CloseCode, GoawayReason, PacketChecker } from '@reversed-vpn/protocol'
import type { FrameStream } from './frame-stream.js'
import { Lane } from './lane/lane.js'
import type { PacketDiverter } from './lane/lane-sender.js'
import type { TrafficTotals } from './lane/traffic-totals.js'
import type { QueueSet } from './queue-set.js'

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
  readonly toPeerChecker: PacketChecker
  readonly fromPeerChecker: PacketChecker
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
  /** `lane` should be replaced: the peer asks for it, or it has protected enough with its key. The dialler dials. */
  onLaneGoAway(session: Session, lane: Lane, reason: GoawayReason): void
  /** The peer wants the session to end. */
  onGoAway(session: Session, reason: GoawayReason): void
  /** A lane is gone; the session goes on while it has others. */
  onLaneDown(session: Session, lane: Lane, error: Error | undefined): void
  /** The last lane is gone. Called once. */
  onClosed(session: Session, error: Error | undefined): void
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

export class Session {
  readonly id: string
  readonly peer: SessionPeer
  readonly openedAtMs = Date.now()

  readonly #options: SessionOptions
  readonly #lanes = new Map<number, Lane>()
  /** Replaced lanes: they carry until their successor is ready, then let their last bytes leave. */
  readonly #leaving = new Set<Lane>()
  /** Lanes that packets to the peer may take. */
  readonly #ready = new Set<Lane>()
  #state: SessionState = 'opening'
  #divert: PacketDiverter | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.id = options.id
    this.peer = options.peer
  }

  /** What a further lane has to show. A secret: for WELCOME only. */
  get token(): string {
    return this.#options.token
  }

  get state(): SessionState {
    return this.#state
  }

  /** The lanes that are up, by index. */
  get lanes(): ReadonlyMap<number, Lane> {
    return this.#lanes
  }

  /** Whether packets to the peer have a way now. */
  get isCarrying(): boolean {
    return this.#state === 'active' && this.#ready.size > 0
  }

  /** Compares in constant time. */
  hasToken(token: string): boolean {
    return timingSafeEqual(Buffer.from(token.padEnd(64).slice(0, 64)), Buffer.from(this.#options.token))
  }

  /** Adds a lane whose handshake is done. One that holds the same index carries until this one is ready, then ends in order. */
  addLane(index: number, frames: FrameStream): Lane {
    const options = this.#options
    const lane = new Lane({
      index,
      frames,
      queue: options.queues.queue(index),
      toPeerChecker: options.toPeerChecker,
      fromPeerChecker: options.fromPeerChecker,
      keepaliveMs: options.keepaliveMs,
      deadAfterMs: options.deadAfterMs,
      ...(options.rotateAfterRecords === undefined ? {} : { rotateAfterRecords: options.rotateAfterRecords }),
      ...(options.rotateAfterMs === undefined ? {} : { rotateAfterMs: options.rotateAfterMs }),
      handler: {
        onReady: (ready) => this.#onReady(ready),
        onGoAway: (which, reason, laneOnly) => this.#onGoAway(which, reason, laneOnly),
        onRotationDue: (due, reason) => this.#onRotationDue(due, reason),
        onDown: (down, error) => this.#onDown(down, error),
      },
    })
    lane.setDiverter(this.#divert)
    const held = this.#lanes.get(index)
    this.#lanes.set(index, lane)
    options.totals.add(lane)
    if (held !== undefined) this.#leaving.add(held)
    lane.open()
    if (options.isReadyOnOpen) this.#onReady(lane)
    return lane
  }

  /** From now on packets to the peer go over this session's lanes. */
  activate(): void {
    this.#enter('active')
    this.#carry()
  }

  /** Lets `divert` take packets out of what this session's lanes read; undefined: none. */
  setDiverter(divert: PacketDiverter | undefined): void {
    this.#divert = divert
    for (const lane of [...this.#lanes.values(), ...this.#leaving]) lane.setDiverter(divert)
  }

  /** Sends one packet, with its virtio-net header, that another session's lane has read. Copied; any lane will do. */
  sendPayload(payload: Uint8Array): void {
    const lane = this.#lanes.values().next().value
    lane?.sendPayload(payload)
  }

  /** Leaves packets to the peer to another session and asks the peer to leave. Its packets are taken until {@link close}. */
  drain(reason: GoawayReason): void {
    if (this.#state === 'closed' || this.#state === 'draining') return
    this.#enter('draining')
    for (const lane of this.#lanes.values()) {
      lane.stopSending()
      lane.sendGoAway(reason, false)
    }
  }

  /** Ends every lane in order. Settles when all are gone. Idempotent. */
  async close(code: CloseCode, reason: string): Promise<void> {
    const lanes = [...this.#lanes.values(), ...this.#leaving]
    await Promise.all(lanes.map((lane) => lane.close(code, reason)))
    this.#enter('closed')
  }

  /** Cuts every lane at once. */
  abort(error: Error): void {
    for (const lane of [...this.#lanes.values(), ...this.#leaving]) lane.abort(error)
  }

  #enter(next: SessionState): void {
    if (next === this.#state) return
    if (!LEGAL[this.#state].includes(next))
      throw new Error(`session cannot go from ${this.#state} to ${next}`)
    this.#state = next
  }

  #carry(): void {
    if (this.#state !== 'active') return
    const carrying = new Set([...this.#ready].map((lane) => lane.index))
    this.#options.queues.setCarrying(carrying)
    for (const lane of this.#ready) lane.startSending()
  }

  #onReady(lane: Lane): void {
    if (lane.isDown || this.#ready.has(lane) || this.#lanes.get(lane.index) !== lane) return
    this.#ready.add(lane)
    for (const held of this.#leaving) if (held.index === lane.index) this.#letGo(held)
    this.#options.handler.onLaneReady(this, lane)
    this.#carry()
  }

  #letGo(held: Lane): void {
    this.#ready.delete(held)
    held.stopSending()
    void held.close('replaced', 'another connection took this lane')
  }

  #onGoAway(lane: Lane, reason: GoawayReason, laneOnly: boolean): void {
    if (laneOnly) this.#options.handler.onLaneGoAway(this, lane, reason)
    else this.#options.handler.onGoAway(this, reason)
  }

  /** Whoever did not dial can only ask; asking does no harm where it was us. */
  #onRotationDue(lane: Lane, reason: GoawayReason): void {
    lane.sendGoAway(reason, true)
    this.#options.handler.onLaneGoAway(this, lane, reason)
  }

  #onDown(lane: Lane, error: Error | undefined): void {
    this.#options.totals.remove(lane)
    this.#ready.delete(lane)
    if (this.#leaving.delete(lane)) return
    this.#lanes.delete(lane.index)
    this.#restoreHeld(lane.index)
    this.#options.handler.onLaneDown(this, lane, error)
    this.#carry()
    if (this.#lanes.size > 0 || this.#state === 'closed') return
    this.#enter('closed')
    this.#options.handler.onClosed(this, error)
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
