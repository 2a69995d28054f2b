import type { TunQueue } from '@reversed-vpn/node-tun'
import { flowHash } from '@reversed-vpn/protocol'
import type { FlowTable } from './flow-table.js'

/** A lane that sends to the peer, as far as steering is concerned. */
export interface SteeredLane {
  readonly index: number
  readonly queue: TunQueue
}

/**
 * Keeps one lane free for sparse flows, so that they never wait behind bulk: not in the TUN's queue, not in
 * the connection, and not for its lost packets.
 *
 * The kernel delivers the packets of a flow on the queue that the last packet of its other direction was
 * written to. So a flow is steered by where its packets from the peer are written:
 *
 *     peer ─▶ any lane ─▶ queueOf ─┬─ the flow is bulk ─────────────────▶ its lane's queue, or ─┐
 *                                  ├─ sends little, on a lane with bulk ─▶ the free lane's       │ the kernel
 *                                  └─ sends little, on another ─────────▶ its lane's queue      │ notes
 *     peer ◀── that queue's lane ◀── the flow's next packet ◀───────────────────────────────────┘
 *
 * Bulk stays on the lane where it became bulk, whose congestion window has grown with it: on another it would
 * begin anew, with a whole window waiting. So the role moves instead: another lane without bulk becomes the
 * free one. Where all others have some, their windows are large too, and the flow is steered there.
 *
 * What a flow sends in either direction counts: on a lossy link, acknowledgements of bulk are lost often
 * enough to hold up what follows them. A flow without answers, and the first packet of any flow, go where the
 * kernel's hash puts them. The peer steers what it sends itself.
 */
export class FlowSteering {
  readonly #own: number
  readonly #table: FlowTable
  readonly #queues = new Map<number, TunQueue>()
  /** Ascending. */
  #lanes: readonly number[] = []

  /** @param own index of the lane whose packets this looks at @param table of all lanes of the session */
  constructor(own: number, table: FlowTable) {
    this.#own = own
    this.#table = table
  }

  /** @param lanes those that send now; with fewer than two nothing is steered */
  setLanes(lanes: readonly SteeredLane[]): void {
    this.#queues.clear()
    for (const { index, queue } of lanes) this.#queues.set(index, queue)
    this.#lanes = [...this.#queues.keys()].toSorted((one, other) => one - other)
  }

  /** Whether packets must be looked at. */
  get isNeeded(): boolean {
    return this.#lanes.length > 1
  }

  /**
   * Records a packet to the peer that has passed the checks.
   * @param payloadOffset where its virtio-net header begins
   */
  note(bytes: Uint8Array, payloadOffset: number, payloadBytes: number, nowMs: number): void {
    const table = this.#table
    const hash = flowHash(bytes, payloadOffset)
    table.add(hash, payloadBytes, nowMs)
    table.setLaneOf(hash, this.#own)
    if (table.isBulk(hash, nowMs)) table.markBulk(this.#own, nowMs)
  }

  /**
   * Where a packet from the peer that has passed the checks should be written. Records it, too.
   * @returns undefined: the queue of the lane it came by
   */
  queueOf(
    bytes: Uint8Array,
    payloadOffset: number,
    payloadBytes: number,
    nowMs: number,
  ): TunQueue | undefined {
    if (!this.isNeeded) return undefined
    const table = this.#table
    const hash = flowHash(bytes, payloadOffset)
    table.add(hash, payloadBytes, nowMs)
    const lane = this.#sending(table.laneOf(hash) ?? this.#own)
    const next = table.isBulk(hash, nowMs) ? this.#bulkLane(lane, hash, nowMs) : this.#sparseLane(lane, nowMs)
    return this.#queues.get(next)
  }

  #sparseLane(lane: number | undefined, nowMs: number): number {
    const isFree = lane !== undefined && !this.#table.hasBulk(lane, nowMs)
    return isFree ? lane : this.#freeLane(nowMs)
  }

  #bulkLane(lane: number | undefined, hash: number, nowMs: number): number {
    if (lane !== undefined) this.#table.markBulk(lane, nowMs)
    const free = this.#freeLane(nowMs)
    if (lane !== undefined && lane !== free) return lane
    const others = this.#lanes.filter((other) => other !== free)
    return others[(hash >>> 16) % others.length] as number
  }

  /** The lane that is kept free; another where this one has bulk and there is one that has none. */
  #freeLane(nowMs: number): number {
    const table = this.#table
    const known = table.free === undefined ? undefined : this.#sending(table.free)
    if (known !== undefined && !table.hasBulk(known, nowMs)) return known
    const free =
      this.#lanes.findLast((lane) => !table.hasBulk(lane, nowMs)) ?? known ?? (this.#lanes.at(-1) as number)
    table.free = free
    return free
  }

  #sending(lane: number): number | undefined {
    return this.#queues.has(lane) ? lane : undefined
  }
}
