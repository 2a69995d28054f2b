import { constants } from 'node:os'
import { NO_OFFLOAD } from '../offload.js'
import { createSyscallError } from '../syscall-error.js'
import {
  TUN_HEADER_BYTES,
  type TunDevice,
  type TunOffload,
  type TunOwner,
  type TunQueue,
} from '../tun-device.js'
import { FakeTunQueue } from './fake-tun-queue.js'

/** What a fake imitates. */
interface FakeTunOptions {
  /** @default 'fake0' */
  readonly name?: string
  /** Packets a queue holds before it drops, as `txqueuelen` does. @default 500 */
  readonly queueLimitPackets?: number
}

/** The host's side of a fake: what applications and routes are for a real one. */
export interface FakeTun {
  readonly device: TunDevice
  /** What `setOffload` set last. The fake does not act on it. */
  readonly offload: TunOffload
  /** What `setOwner` set last. */
  readonly owner: TunOwner | undefined
  /** Whether the interface is there: it has a queue or is persistent, and has not vanished. */
  readonly exists: boolean
  /** Frames lost because a queue was full or none was attached. */
  readonly droppedFrames: number
  /**
   * The host sends a frame (header and packet; copied). A flow goes to one of the attached queues and stays there while
   * their number does.
   * @returns whether it was taken, false when it was dropped
   */
  hostSends(frame: Uint8Array): boolean
  /** Takes the frames that were written since the last call, in order, each whole. */
  takeReceived(): Uint8Array[]
  /** The next `count` frames that are written are refused with this errno (positive). @default count Infinity */
  refuseWrites(errno: number, count?: number): void
  /** The interface is deleted: reads throw EBADFD, every write is refused with EBADFD. */
  vanish(): void
}

/** A TUN in memory that behaves like `openTun`'s towards its reader and writer, without rights or a kernel. */
export function createFakeTun(options: FakeTunOptions = {}): FakeTun {
  return new FakeTunDevice(options)
}

class FakeTunDevice implements FakeTun, TunDevice {
  readonly name: string
  readonly #queueLimitPackets: number
  readonly #queues = new Set<FakeTunQueue>()
  #offload = NO_OFFLOAD
  #received: Uint8Array[] = []
  #droppedFrames = 0
  #refusal = { errno: 0, left: 0 }
  #owner: TunOwner | undefined
  #isPersistent = false
  #hasVanished = false
  #isClosed = false

  constructor(options: FakeTunOptions) {
    this.name = options.name ?? 'fake0'
    this.#queueLimitPackets = options.queueLimitPackets ?? 500
  }

  get device(): TunDevice {
    return this
  }

  get offload(): TunOffload {
    return this.#offload
  }

  get owner(): TunOwner | undefined {
    return this.#owner
  }

  get exists(): boolean {
    return !this.#hasVanished && (!this.#isClosed || this.#isPersistent)
  }

  get droppedFrames(): number {
    return this.#droppedFrames
  }

  openQueue(): TunQueue {
    if (this.#isClosed) throw createSyscallError('EBADF', 'open', this.name)
    const queue = new FakeTunQueue({
      name: this.name,
      limitPackets: this.#queueLimitPackets,
      receive: (frame) => this.#receive(frame),
      onClose: () => this.#queues.delete(queue),
    })
    this.#queues.add(queue)
    return queue
  }

  setOffload(offload: TunOffload): void {
    this.#checkThere('ioctl(TUNSETOFFLOAD)')
    if ((offload.tso4 || offload.tso6) && !offload.checksum)
      throw createSyscallError('EINVAL', 'ioctl(TUNSETOFFLOAD)', this.name)
    this.#offload = offload
  }

  setOwner(owner: TunOwner): void {
    this.#checkThere('ioctl(TUNSETOWNER)')
    this.#owner = owner
  }

  setPersistent(isPersistent: boolean): void {
    this.#checkThere('ioctl(TUNSETPERSIST)')
    this.#isPersistent = isPersistent
  }

  close(): void {
    this.#isClosed = true
    for (const queue of this.#queues) queue.close()
  }

  hostSends(frame: Uint8Array): boolean {
    const attached = [...this.#queues].filter((queue) => queue.isAttached)
    const queue = attached[flowHash(frame) % Math.max(attached.length, 1)]
    const isTaken = queue?.push(frame.slice()) ?? false
    if (!isTaken) this.#droppedFrames++
    return isTaken
  }

  takeReceived(): Uint8Array[] {
    const received = this.#received
    this.#received = []
    return received
  }

  refuseWrites(errno: number, count = Number.POSITIVE_INFINITY): void {
    this.#refusal = { errno, left: count }
  }

  vanish(): void {
    this.#hasVanished = true
    for (const queue of this.#queues) queue.vanish()
  }

  #checkThere(syscall: string): void {
    if (this.#isClosed) throw createSyscallError('EBADF', syscall, this.name)
    if (this.#hasVanished) throw createSyscallError('EBADFD', syscall, this.name)
  }

  /** What the kernel looks at before any packet gets in. */
  #receive(frame: Uint8Array): number {
    if (this.#refusal.left > 0) {
      this.#refusal.left--
      return this.#refusal.errno
    }
    const version = (frame[TUN_HEADER_BYTES] ?? 0) >> 4
    if (version !== 4 && version !== 6) return constants.errno.EINVAL
    this.#received.push(frame)
    return 0
  }
}

/** The same for all packets of one flow, as the kernel's. Its own, since nothing of this project is below this package. */
function flowHash(frame: Uint8Array): number {
  const isIpv6 = (frame[TUN_HEADER_BYTES] ?? 0) >> 4 === 6
  const [start, end] = isIpv6 ? [8, 44] : [12, 24]
  let hash = frame[TUN_HEADER_BYTES + (isIpv6 ? 6 : 9)] ?? 0
  for (const byte of frame.subarray(TUN_HEADER_BYTES + start, TUN_HEADER_BYTES + end)) {
    hash = (Math.imul(hash, 31) + byte) >>> 0
  }
  return (hash ^ (hash >>> 16)) >>> 0
}
