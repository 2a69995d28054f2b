import { MAX_LANES } from '@reversed-vpn/protocol'
import { BULK_LANE_MS, FLOW_ENTRIES } from '../limits.js'

/** Lanes are kept as their index + 1, so that fresh memory says "none". */
const NONE = 0

/**
 * What the lanes of a session know of what they send: by which of them a flow goes, which of them had bulk lately, and which is
 * kept free of it. Takes the same memory however many flows there are; those that share an entry share its lane.
 */
export class LaneRoles {
  /** The lane that is kept free, of all there are: it may have been lost. */
  free: number | undefined
  readonly #bulkAtMs = new Float64Array(MAX_LANES)
  readonly #laneOf = new Uint16Array(FLOW_ENTRIES)

  /** The lane that sent the flow's last packet. @param hash as of `flowHash` */
  laneOf(hash: number): number | undefined {
    const lane = this.#laneOf[hash & (FLOW_ENTRIES - 1)] as number
    return lane === NONE ? undefined : lane - 1
  }

  setLaneOf(hash: number, lane: number): void {
    this.#laneOf[hash & (FLOW_ENTRIES - 1)] = lane + 1
  }

  /** A flow that is bulk goes by this lane. */
  markBulk(lane: number, nowMs: number): void {
    this.#bulkAtMs[lane] = nowMs
  }

  hasBulk(lane: number, nowMs: number): boolean {
    return nowMs - (this.#bulkAtMs[lane] as number) < BULK_LANE_MS
  }
}
