import type { TunDevice, TunQueue } from '@reversed-vpn/node-tun'

/**
 * The queues of one TUN, by lane. The kernel spreads flows over the attached queues, so a queue without a lane is detached: its
 * flows go on over the others. With no lane at all queue 0 stays attached, and packets wait there for the next.
 */
export class QueueSet {
  readonly #device: TunDevice
  readonly #queues = new Map<number, TunQueue>()

  constructor(device: TunDevice) {
    this.#device = device
    this.queue(0)
  }

  /** The queue of a lane, opened on first use. */
  queue(lane: number): TunQueue {
    const open = this.#queues.get(lane)
    if (open !== undefined) return open
    const queue = this.#device.openQueue()
    this.#queues.set(lane, queue)
    return queue
  }

  /** Attaches the queues of the lanes that carry and detaches all others. */
  setCarrying(lanes: ReadonlySet<number>): void {
    for (const [lane, queue] of this.#queues) {
      if (lanes.has(lane) || (lanes.size === 0 && lane === 0)) queue.attach()
      else queue.detach()
    }
  }
}
