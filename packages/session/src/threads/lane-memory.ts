import { DROP_REASONS } from '@reversed-vpn/protocol'
import { createLaneCounters, type LaneCounters } from '../lane/lane-counters.js'

type Side = keyof LaneCounters
type Direction = LaneCounters['toPeer'] & LaneCounters['fromPeer']

/** The descriptors that a thread is given with a lane. */
export type GivenDescriptor = 'connection' | 'queue'

const TEMPLATE = createLaneCounters()
const KEYS = { toPeer: numbersOf(TEMPLATE.toPeer), fromPeer: numbersOf(TEMPLATE.fromPeer) }
const DROPS = DROP_REASONS.length

const STATE_CELLS = 3
const CLAIMS_BYTES = 8
const CELLS = STATE_CELLS + KEYS.toPeer.length + KEYS.fromPeer.length
const DROPS_AT = CLAIMS_BYTES + 8 * CELLS
const MEMORY_BYTES = DROPS_AT + 2 * 4 * DROPS

function numbersOf(direction: object): string[] {
  return Object.entries(direction).flatMap(([key, value]) => (typeof value === 'number' ? [key] : []))
}

/**
 * What two threads know of one lane: one writes, the other reads when someone asks.
 *
 *     │ claims, 2 × int32 │ last byte, backlog, round trip, counters: float64 each │ drops, uint32 each │
 */
export class LaneMemory {
  readonly buffer: SharedArrayBuffer
  readonly #claims: Int32Array
  readonly #state: Float64Array

  constructor(buffer = new SharedArrayBuffer(MEMORY_BYTES)) {
    this.buffer = buffer
    this.#claims = new Int32Array(buffer, 0, 2)
    this.#state = new Float64Array(buffer, CLAIMS_BYTES, STATE_CELLS)
  }

  /** True for the thread that asks first: the descriptor is its own to use, and to close. */
  claim(descriptor: GivenDescriptor): boolean {
    return Atomics.compareExchange(this.#claims, descriptor === 'connection' ? 0 : 1, 0, 1) === 0
  }

  /** In milliseconds of `Date.now()`: each thread's `performance.now()` begins with the thread. */
  get lastByteAtEpochMs(): number {
    return this.#state[0] ?? 0
  }

  get backlogBytes(): number {
    return this.#state[1] ?? 0
  }

  /** 0 before it was measured. */
  get rttMs(): number {
    return this.#state[2] ?? 0
  }

  setState(lastByteAtEpochMs: number, backlogBytes: number, rttMs: number): void {
    this.#state[0] = lastByteAtEpochMs
    this.#state[1] = backlogBytes
    this.#state[2] = rttMs
  }

  /** Counters that count in this memory: for the thread that carries the packets. */
  createCounters(): LaneCounters {
    return {
      toPeer: new SharedToPeer(this.#cells('toPeer'), this.#drops('toPeer')),
      fromPeer: new SharedFromPeer(this.#cells('fromPeer'), this.#drops('fromPeer')),
    }
  }

  /** What they say now. A copy. */
  readCounters(): LaneCounters {
    const counters = createLaneCounters()
    for (const side of ['toPeer', 'fromPeer'] as const) {
      const cells = this.#cells(side)
      const values = KEYS[side].map((key, index) => [key, cells[index]] as const)
      Object.assign(counters[side], Object.fromEntries(values))
      counters[side].drops.set(this.#drops(side))
    }
    return counters
  }

  #cells(side: Side): Float64Array {
    const first = STATE_CELLS + (side === 'toPeer' ? 0 : KEYS.toPeer.length)
    return new Float64Array(this.buffer, CLAIMS_BYTES + 8 * first, KEYS[side].length)
  }

  #drops(side: Side): Uint32Array {
    return new Uint32Array(this.buffer, DROPS_AT + (side === 'toPeer' ? 0 : 4 * DROPS), DROPS)
  }
}

const SharedToPeer = defineDirection(KEYS.toPeer)
const SharedFromPeer = defineDirection(KEYS.fromPeer)

/** A class whose properties are cells of an array: counted per packet, so that they must cost no more than plain ones. */
function defineDirection(
  keys: readonly string[],
): new (
  cells: Float64Array,
  drops: Uint32Array,
) => Direction {
  class SharedDirection {
    readonly cells: Float64Array
    readonly drops: Uint32Array

    constructor(cells: Float64Array, drops: Uint32Array) {
      this.cells = cells
      this.drops = drops
    }
  }
  keys.forEach((key, index) => {
    Object.defineProperty(SharedDirection.prototype, key, {
      get(this: SharedDirection) {
        return this.cells[index]
      },
      set(this: SharedDirection, value: number) {
        this.cells[index] = value
      },
    })
  })
  // What the keys are is known at run time alone.
  return SharedDirection as unknown as new (
    cells: Float64Array,
    drops: Uint32Array,
  ) => Direction
}
