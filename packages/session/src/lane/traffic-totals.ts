import type { Lane } from './lane.js'
import { addLaneCounters, createLaneCounters, type LaneCounters } from './lane-counters.js'

/** Traffic of all lanes of a process, those that are gone included. */
export class TrafficTotals {
  readonly #gone = createLaneCounters()
  readonly #live = new Set<Lane>()

  /** Counts a lane from now on. */
  add(lane: Lane): void {
    this.#live.add(lane)
  }

  /** Keeps the counters of a lane that is gone. */
  remove(lane: Lane): void {
    if (this.#live.delete(lane)) addLaneCounters(this.#gone, lane.counters)
  }

  /** The sums as of now. A copy: the caller may keep it. */
  read(): LaneCounters {
    const sum = createLaneCounters()
    addLaneCounters(sum, this.#gone)
    for (const lane of this.#live) addLaneCounters(sum, lane.counters)
    return sum
  }
}
