import { BULK_FLOW_BYTES, BULK_FLOW_BYTES_PER_MS } from '../limits.js'

/** Flows that share an entry are judged together. */
const ENTRIES = 4096

/** What a flow has to give up before it is sparse again bounds how long that takes. */
const CEILING_BYTES = 2 * BULK_FLOW_BYTES

/**
 * Tells flows that send much from those that send little: each has an account that fills with what it sends and empties at
 * `BULK_FLOW_BYTES_PER_MS`. One above `BULK_FLOW_BYTES` is bulk. Takes the same memory however many flows there are.
 *
 * Threads may share that memory. They do not wait for each other: of two that add at the same time, one may not be counted.
 */
export class FlowRates {
  readonly memory: SharedArrayBuffer
  readonly #bytes: Float64Array
  readonly #atMs: Float64Array

  constructor(memory = new SharedArrayBuffer(2 * ENTRIES * Float64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#bytes = new Float64Array(memory, 0, ENTRIES)
    this.#atMs = new Float64Array(memory, ENTRIES * Float64Array.BYTES_PER_ELEMENT, ENTRIES)
  }

  /** Takes note of what a flow sends. @param hash as of `flowHash` @param nowMs of a clock that all threads have */
  add(hash: number, bytes: number, nowMs: number): void {
    const entry = hash & (ENTRIES - 1)
    this.#bytes[entry] = Math.min(CEILING_BYTES, this.#left(entry, nowMs) + bytes)
    this.#atMs[entry] = nowMs
  }

  isBulk(hash: number, nowMs: number): boolean {
    return this.#left(hash & (ENTRIES - 1), nowMs) > BULK_FLOW_BYTES
  }

  #left(entry: number, nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - (this.#atMs[entry] as number))
    return Math.max(0, (this.#bytes[entry] as number) - elapsedMs * BULK_FLOW_BYTES_PER_MS)
  }
}
