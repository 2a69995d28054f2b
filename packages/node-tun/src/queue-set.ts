import { MAX_TUN_FRAME_BYTES, type TunDevice, type TunQueue } from './tun-device.js'

/** Room for the packets of one read of what a queue leaves behind. */
const RESCUE_BYTES = 4 * MAX_TUN_FRAME_BYTES
const RESCUE_PACKETS = 512

/**
 * The queues of one TUN, by lane. The kernel spreads flows over the attached queues, so a queue without a lane is detached: its
 * flows go on over the others. While nothing carries the queues stay as they are, and packets wait there.
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

  /**
   * Attaches the queues of the lanes that carry and detaches all others, which loses what waits in them: `rescue` has it
   * before. Without `rescue` none is detached, so that it goes on waiting.
   * @param rescue is given packets with their virtio-net headers, its own until it returns
   */
  setCarrying(lanes: ReadonlySet<number>, rescue?: (payload: Buffer) => void): void {
    for (const [lane, queue] of this.#queues) {
      if (lanes.has(lane)) queue.attach()
      else if (rescue !== undefined) {
        empty(queue, rescue)
        queue.detach()
      }
    }
  }
}

function empty(queue: TunQueue, rescue: (payload: Buffer) => void): void {
  const bytes = Buffer.allocUnsafe(RESCUE_BYTES)
  const lengths = new Uint32Array(RESCUE_PACKETS)
  for (let left = RESCUE_PACKETS; left > 0; ) {
    const count = queue.readBatch(bytes, 0, lengths)
    if (count === 0) return
    let at = 0
    for (const length of lengths.subarray(0, count)) {
      rescue(bytes.subarray(at, at + length))
      at += length
    }
    left -= count
  }
}
