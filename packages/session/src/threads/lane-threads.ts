import type { GcPause } from './gc-pauses.js'
import { LaneThread } from './lane-thread.js'

export interface LaneThreadsOptions {
  /** Threads that carry lanes, the main thread included. With 1 there is no other. */
  readonly count: number
  /** A thread ended by itself; its lanes are lost. */
  readonly onLost: (number: number, error: Error) => void
  /** Pauses of any of them but the main one, a while after. @default nobody is told */
  readonly onGcPauses?: (pauses: readonly GcPause[]) => void
}

/** The threads of a daemon that carry lanes beside the main one. None runs before it has something to do. */
export class LaneThreads {
  readonly #threads: readonly LaneThread[]
  #lanes = 1
  #lost = 0

  constructor({ count, onLost, onGcPauses = () => {} }: LaneThreadsOptions) {
    this.#threads = Array.from({ length: count - 1 }, (_, index) => {
      const number = index + 1
      return new LaneThread(number, {
        onLost: (error) => {
          this.#lost++
          onLost(number, error)
        },
        onGcPauses,
      })
    })
  }

  /** How many ended by themselves so far. */
  get lost(): number {
    return this.#lost
  }

  /** How many run, the main one included. */
  get running(): number {
    return 1 + this.#threads.filter((thread) => thread.isRunning).length
  }

  /** How many lanes there are going to be. No more threads are used than lanes that carry bulk, which all but one do. @default 1 */
  expect(lanes: number): void {
    this.#lanes = lanes
  }

  /** The thread of a lane that is dialled; undefined: the main one. */
  forLane(index: number): LaneThread | undefined {
    const used = this.#used()
    return used[(index % (used.length + 1)) - 1]
  }

  /**
   * The thread with the fewest connections; undefined: the main one, also where others have as few.
   * @param onMain how many that has
   */
  leastBusy(onMain: number): LaneThread | undefined {
    let fewest = onMain
    let least: LaneThread | undefined
    for (const thread of this.#used()) {
      if (thread.connectionCount >= fewest) continue
      fewest = thread.connectionCount
      least = thread
    }
    return least
  }

  #used(): readonly LaneThread[] {
    return this.#threads.slice(0, Math.max(0, this.#lanes - 2))
  }

  /** Ends all. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
