import { loadNativeAddon, type NativeQueue } from './native-addon.js'
import { NO_OFFLOAD, offloadMask } from './offload.js'
import { createSyscallError } from './syscall-error.js'
import type { TunDevice, TunOffload, TunOwner, TunQueue } from './tun-device.js'

/** How `openTun` opens an interface. */
interface OpenTunOptions {
  /** The interface's name, at most 15 bytes. With `%d` in it the kernel puts the first free number there. */
  readonly name: string
  /** Fail with EBUSY when the interface exists already, persistent ones included. @default false */
  readonly exclusive?: boolean
}

/**
 * Opens a TUN interface, and makes it if it does not exist, with `IFF_VNET_HDR | IFF_MULTI_QUEUE`, little-endian headers
 * of 10 bytes and no offload, whatever a persistent one had before. The interface is made down and without addresses.
 *
 * An interface exists as long as it has a queue, so this opens the first one. The first `openQueue` returns it, later ones open
 * more. Call `openQueue` for every queue, the first included.
 *
 * @throws SyscallError EPERM without the rights, EACCES when `/dev/net/tun` may not be opened, ENAMETOOLONG, EBUSY with
 *   `exclusive`, EINVAL when the name belongs to an interface of another kind (or a TUN with a single queue), ENOENT or ENODEV
 *   without `/dev/net/tun`
 * @throws TunAddonError when the addon is not built
 */
export function openTun(options: OpenTunOptions): TunDevice {
  const { Queue } = loadNativeAddon()
  const first = new Queue(options.name, options.exclusive ?? false)
  try {
    first.setOffload(offloadMask(NO_OFFLOAD))
  } catch (error) {
    first.close()
    throw error
  }
  return new LinuxTunDevice(first)
}

class LinuxTunDevice implements TunDevice {
  readonly name: string
  readonly #queues = new Set<NativeQueue>()
  /** Opened by `openTun`, not handed out yet. */
  #spare: NativeQueue | undefined
  #offload = NO_OFFLOAD
  #isClosed = false

  constructor(first: NativeQueue) {
    this.name = first.name
    this.#spare = first
    this.#queues.add(first)
  }

  openQueue(): TunQueue {
    if (this.#isClosed) throw createSyscallError('EBADF', 'open', this.name)
    const native = this.#spare ?? this.#open()
    this.#spare = undefined
    return new LinuxTunQueue(native, () => this.#queues.delete(native))
  }

  setOffload(offload: TunOffload): void {
    this.#anyQueue('ioctl(TUNSETOFFLOAD)').setOffload(offloadMask(offload))
    this.#offload = offload
  }

  setOwner({ uid, gid }: TunOwner): void {
    const queue = this.#anyQueue('ioctl(TUNSETOWNER)')
    queue.setOwner(uid)
    if (gid !== undefined) queue.setGroup(gid)
  }

  setPersistent(isPersistent: boolean): void {
    this.#anyQueue('ioctl(TUNSETPERSIST)').setPersistent(isPersistent ? 1 : 0)
  }

  close(): void {
    this.#isClosed = true
    this.#spare = undefined
    for (const queue of this.#queues) queue.close()
    this.#queues.clear()
  }

  /** Any queue will do for what concerns the whole interface. */
  #anyQueue(syscall: string): NativeQueue {
    const [queue] = this.#queues
    if (queue === undefined) throw createSyscallError('EBADF', syscall, this.name)
    return queue
  }

  /** After the last queue was closed the interface is a new one, which needs the offload set again. */
  #open(): NativeQueue {
    const { Queue } = loadNativeAddon()
    const queue = new Queue(this.name, false)
    try {
      if (this.#queues.size === 0) queue.setOffload(offloadMask(this.#offload))
    } catch (error) {
      queue.close()
      throw error
    }
    this.#queues.add(queue)
    return queue
  }
}

class LinuxTunQueue implements TunQueue {
  readonly #native: NativeQueue
  readonly #onClose: () => void
  #isAttached = true

  constructor(native: NativeQueue, onClose: () => void) {
    this.#native = native
    this.#onClose = onClose
  }

  readBatch(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): number {
    return this.#native.readBatch(target, headroomBytes, lengths)
  }

  writeBatch(
    chunks: readonly Uint8Array[],
    pieces: Uint32Array,
    frameCount: number,
    errnos: Int32Array,
  ): number {
    return this.#native.writeBatch(chunks, pieces, frameCount, errnos)
  }

  startPolling(onReadable: () => void): void {
    this.#native.startPolling(onReadable)
  }

  stopPolling(): void {
    this.#native.stopPolling()
  }

  detach(): void {
    this.#setAttached(false)
  }

  attach(): void {
    this.#setAttached(true)
  }

  close(): void {
    this.#native.close()
    this.#onClose()
  }

  /** The kernel refuses the state that a queue already has with EINVAL, so only changes reach it. */
  #setAttached(attached: boolean): void {
    if (attached === this.#isAttached) return
    this.#native.setAttached(attached)
    this.#isAttached = attached
  }
}
