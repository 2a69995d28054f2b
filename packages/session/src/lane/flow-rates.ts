import { BULK_FLOW_BYTES, BULK_FLOW_BYTES_PER_MS, FLOW_ENTRIES } from '../limits.js'

/** What a flow has to give up before it is sparse again bounds how long that takes. */
const CEILING_BYTES = 2 * BULK_FLOW_BYTES

/**
 * Tells flows that send much from those that send little: each has an account that fills with what it sends and empties at
 * `BULK_FLOW_BYTES_PER_MS`. One above `BULK_FLOW_BYTES` is bulk, until it is empty: over a long way bulk comes in bursts. Takes the
 * same memory however many flows there are; those that share an entry are judged together.
 */
export class FlowRates {
  readonly #bytes = new Float64Array(FLOW_ENTRIES)
  readonly #atMs = new Float64Array(FLOW_ENTRIES)
  /** 1 from when a flow became bulk until its account is empty. */
  readonly #wasBulk = new Uint8Array(FLOW_ENTRIES)

  /** Takes note of what a flow sends. @param hash as of `flowHash` */
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

  #left(entry: number, nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - (this.#atMs[entry] as number))
    return Math.max(0, (this.#bytes[entry] as number) - elapsedMs * BULK_FLOW_BYTES_PER_MS)
  }
}
