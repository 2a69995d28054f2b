import { MAX_LANES } from '@reversed-vpn/protocol'
import { BULK_LANE_MS, FLOW_ENTRIES } from '../limits.js'

/** Lanes are kept as their index + 1, so that fresh memory says "none". */
const NONE = 0

/**
 * What the lanes of a session know of what they send: by which of them a flow goes, which of them had bulk lately, and which is
 * kept free of it. Takes the same memory however many flows there are; those that share an entry share its lane.
 *
 * Threads may share that memory. They do not wait for each other: what one misses, the next packet tells it.
 */
export class LaneRoles {
  static readonly BYTES = Float64Array.BYTES_PER_ELEMENT * MAX_LANES + 2 * (FLOW_ENTRIES + 1)

  readonly #bulkAtMs: Float64Array
  readonly #laneOf: Uint16Array
  readonly #free: Uint16Array

  /** @param offset a multiple of 8, from which on `BYTES` are its own */
  constructor(memory: SharedArrayBuffer, offset: number) {
    const lanesAt = offset + Float64Array.BYTES_PER_ELEMENT * MAX_LANES
    this.#bulkAtMs = new Float64Array(memory, offset, MAX_LANES)
    this.#laneOf = new Uint16Array(memory, lanesAt, FLOW_ENTRIES)
    this.#free = new Uint16Array(memory, lanesAt + 2 * FLOW_ENTRIES, 1)
  }

  /** The lane that sent the flow's last packet. @param hash as of `flowHash` */
  laneOf(hash: number): number | undefined {
    return laneAt(this.#laneOf, hash & (FLOW_ENTRIES - 1))
  }

  setLaneOf(hash: number, lane: number): void {
    this.#laneOf[hash & (FLOW_ENTRIES - 1)] = lane + 1
  }

  /** The lane that is kept free, of all there are: it may have been lost. */
  get free(): number | undefined {
    return laneAt(this.#free, 0)
  }

  set free(lane: number) {
    this.#free[0] = lane + 1
  }

  /** A flow that is bulk goes by this lane. @param nowMs of a clock that all threads have */
  markBulk(lane: number, nowMs: number): void {
    this.#bulkAtMs[lane] = nowMs
  }

  hasBulk(lane: number, nowMs: number): boolean {
    return nowMs - (this.#bulkAtMs[lane] as number) < BULK_LANE_MS
  }
}

function laneAt(lanes: Uint16Array, index: number): number | undefined {
  const lane = lanes[index] as number
  return lane === NONE ? undefined : lane - 1
}
