import { drainQueue } from './drain-queue.js'
import { GatedQueue } from './gated-queue.js'
import { isDeviceGone } from './syscall-error.js'
import type { TunDevice, TunQueue } from './tun-device.js'

/** Of a queue to be detached. */
const MAX_LEFTOVER_PACKETS = 512

/**
 * The queues of one TUN, by lane. The kernel spreads flows over the attached queues. A queue without a lane is detached, so that
 * its flows move to the others. As long as no lane sends, the queues stay as they are and packets wait in them.
 */
export class QueueSet {
  readonly #device: TunDevice
  readonly #queues = new Map<number, GatedQueue>()
  readonly #others: QueueSet[] = []
  #isOpen = true

  constructor(device: TunDevice) {
    this.#device = device
    this.queue(0)
  }

  /** More queues of the same device, for other sessions. They get no flows before {@link setAttached}. */
  another(): QueueSet {
    const other = new QueueSet(this.#device)
    other.release(() => {})
    other.setOpen(this.#isOpen)
    this.#others.push(other)
    return other
  }

  /** Detaches all of them, since others are read. Nothing is to be done where the device is gone, as those notice. */
  release(requeue: (payload: Buffer) => void): void {
    try {
      this.setAttached(new Set(), requeue)
    } catch (error) {
      if (!isDeviceGone(error)) throw error
    }
  }

  /** The queue of a lane, opened on first use. A further one gets no flows before {@link setAttached}: nobody reads it yet. */
  queue(lane: number): TunQueue {
    const open = this.#queues.get(lane)
    if (open !== undefined) return open
    const queue = new GatedQueue(this.#device.openQueue(), this.#isOpen)
    if (this.#queues.size > 0) queue.detach()
    this.#queues.set(lane, queue)
    return queue
  }

  /** Shuts all queues of the device, those of later lanes too, or opens them: while shut, nothing is read or written. */
  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen
    for (const queue of this.#queues.values()) queue.setOpen(isOpen)
    for (const other of this.#others) other.setOpen(isOpen)
  }

  /**
   * Attaches the queues of these lanes and detaches all others. Detaching loses the packets that wait in a queue, so `requeue`
   * gets them first. Without `requeue` no queue is detached, and its packets wait on.
   * @param requeue gets one packet with its virtio-net header, which is valid until it returns
   */
  setAttached(lanes: ReadonlySet<number>, requeue?: (payload: Buffer) => void): void {
    for (const [lane, queue] of this.#queues) {
      if (lanes.has(lane)) queue.attach()
      else if (requeue !== undefined) {
        drainQueue(queue, MAX_LEFTOVER_PACKETS, requeue)
        queue.detach()
      }
    }
  }
}
