import { MAX_LANES } from '@reversed-vpn/protocol'
import { BULK_FLOW_BYTES, BULK_FLOW_BYTES_PER_MS, BULK_LANE_MS, FLOW_ENTRIES } from '../limits.js'

/** No account holds more: bounds how long a flow stays bulk after it has stopped. */
const CEILING_BYTES = 2 * BULK_FLOW_BYTES

/** Lanes are kept as their index + 1, so that fresh memory says "none". */
const NONE = 0

/**
 * What all lanes of a session know of the flows they carry. Takes the same memory however many flows there
 * are; those that share an entry are judged together. `hash` is always that of `flowHash`.
 *
 * Tells bulk from sparse flows: each has an account that grows with what it sends and drains at
 * `BULK_FLOW_BYTES_PER_MS`. A flow above `BULK_FLOW_BYTES` is bulk until its account is empty, since on a
 * high-RTT path bulk comes in bursts.
 */
export class FlowTable {
  /** The lane that is kept free of bulk, of all there are: it may have been lost. */
  free: number | undefined
  readonly #bytes = new Float64Array(FLOW_ENTRIES)
  readonly #atMs = new Float64Array(FLOW_ENTRIES)
  /** 1 from when a flow became bulk until its account is empty. */
  readonly #wasBulk = new Uint8Array(FLOW_ENTRIES)
  readonly #laneOf = new Uint16Array(FLOW_ENTRIES)
  readonly #bulkAtMs = new Float64Array(MAX_LANES)

  /** Records what a flow sends, in either direction. */
  add(hash: number, bytes: number, nowMs: number): void {
    const entry = hash & (FLOW_ENTRIES - 1)
    const left = this.#left(entry, nowMs)
    const total = Math.min(CEILING_BYTES, left + bytes)
    if (total > BULK_FLOW_BYTES) this.#wasBulk[entry] = 1
    else if (left === 0) this.#wasBulk[entry] = 0
    this.#bytes[entry] = total
    this.#atMs[entry] = nowMs
  }

  isBulk(hash: number, nowMs: number): boolean {
    const entry = hash & (FLOW_ENTRIES - 1)
    return this.#wasBulk[entry] === 1 && this.#left(entry, nowMs) > 0
  }

  /** The lane that sent the flow's last packet to the peer. */
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

  /** Whether a lane had bulk lately. */
  hasBulk(lane: number, nowMs: number): boolean {
    return nowMs - (this.#bulkAtMs[lane] as number) < BULK_LANE_MS
  }

  #left(entry: number, nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - (this.#atMs[entry] as number))
    return Math.max(0, (this.#bytes[entry] as number) - elapsedMs * BULK_FLOW_BYTES_PER_MS)
  }
}
