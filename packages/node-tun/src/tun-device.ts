/** Bytes of `struct virtio_net_hdr` that precede every packet on every queue (`linux/virtio_net.h`). */
export const TUN_HEADER_BYTES = 10

/** The longest header and packet that one read returns or one write takes. */
export const MAX_TUN_FRAME_BYTES = TUN_HEADER_BYTES + 65535

/** What the kernel may leave undone on packets it hands to a reader (`TUNSETOFFLOAD`, `linux/if_tun.h`). */
export interface TunOffload {
  /** Checksums may be partial (`TUN_F_CSUM`). Required by the other two. */
  readonly checksum: boolean
  /** TCP over IPv4 may come as one packet of up to 64 KiB (`TUN_F_TSO4`). */
  readonly tso4: boolean
  /** TCP over IPv6 likewise (`TUN_F_TSO6`). */
  readonly tso6: boolean
}

/** Who may open a queue of an interface without `CAP_NET_ADMIN`. With both given, both have to fit. */
export interface TunOwner {
  readonly uid: number
  readonly gid?: number | undefined
}

/**
 * A TUN interface. It goes when its last queue is closed, unless it is persistent; addresses and routes go with it.
 * A queue opened after that makes the interface anew, without them.
 */
export interface TunDevice {
  /** The interface's name as the kernel knows it. */
  readonly name: string

  /**
   * Opens one more queue of the same interface, attached. The kernel spreads flows over all attached queues and keeps each
   * flow on one of them: an attached queue that nobody reads loses its flows.
   * @throws SyscallError EBADF after `close`, E2BIG beyond what the kernel allows (256), what `openTun` throws otherwise
   */
  openQueue(): TunQueue

  /**
   * Sets what the kernel may leave undone. Applies to the interface as a whole and stays with a persistent one.
   * @throws SyscallError EINVAL when this kernel does not take the set: nothing changes then
   * @throws SyscallError EBADF when no queue is open
   */
  setOffload(offload: TunOffload): void

  /**
   * Lets a user, or a user in a group, open queues without `CAP_NET_ADMIN`. A group stays once it is set.
   * @throws SyscallError EINVAL for a number that is no id here, EBADF when no queue is open
   */
  setOwner(owner: TunOwner): void

  /**
   * `true`: the interface outlives its queues, and this process. `false`: it goes with its last queue.
   * @throws SyscallError EBADF when no queue is open
   */
  setPersistent(isPersistent: boolean): void

  /** Closes every queue. Idempotent. */
  close(): void
}

/** One queue of a TUN interface: a file descriptor that packets are read from and written to in batches. */
export interface TunQueue {
  /**
   * Reads packets, each with its header, one behind the other into `target`: `headroomBytes` left free for the caller, then the
   * header and packet. Stops when the queue is empty, `lengths` is full, or what is left of `target` is shorter than
   * `headroomBytes + MAX_TUN_FRAME_BYTES`. `target` is the caller's again when the call returns.
   *
   * @param lengths receives the length in bytes of header and packet of each
   * @returns how many were read, 0 when the queue was empty
   * @throws SyscallError for any other failure than an empty queue: EBADFD when the interface is gone (see `isDeviceGone`), EBADF
   *   after `close`. A failure behind packets already read is thrown by the next call.
   * @throws RangeError when `target` or `lengths` has no room for even one packet
   */
  readBatch(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): number

  /**
   * Writes frames (header and packet), each gathered from pieces of `chunks` without copying. For every frame `pieces` holds
   * the number of its pieces, then for each piece the index of its chunk, the offset in it and the length in bytes.
   * A frame that the kernel refuses does not hold up those behind it. EIO: the interface is down; EBADFD: it is gone;
   * EINVAL: no header, no packet or an impossible header; EMSGSIZE: longer than `MAX_TUN_FRAME_BYTES`.
   * The chunks are the caller's again when the call returns.
   *
   * @param errnos receives for every frame 0 or the positive errno of the kernel's refusal
   * @returns how many frames were refused
   * @throws RangeError when a piece lies outside its chunk, or `pieces` or `errnos` is too short: nothing is written then
   * @throws SyscallError EBADF after `close`
   */
  writeBatch(
    chunks: readonly Uint8Array[],
    pieces: Uint32Array,
    frameCount: number,
    errnos: Int32Array,
  ): number

  /**
   * Calls `onReadable` from the event loop whenever packets wait, until `stopPolling`. Level triggered. A second call replaces
   * the callback. Polling keeps the event loop alive. When the interface is deleted, `onReadable` is called one last time, and
   * its `readBatch` throws EBADFD. An error that `onReadable` throws is an uncaught exception.
   * @throws SyscallError EBADF after `close`
   */
  startPolling(onReadable: () => void): void

  /** Packets stay in the kernel, which queues up to `txqueuelen` of them and drops the rest. Idempotent. */
  stopPolling(): void

  /**
   * Gives the queue's flows to the other attached queues. Packets that wait in it are lost. Until `attach` there is nothing to
   * read; writes still reach the host. Idempotent.
   * @throws SyscallError EBADF after `close`
   */
  detach(): void

  /**
   * Receives flows again. Idempotent.
   * @throws SyscallError EBADF after `close`, EINVAL when the interface is gone
   */
  attach(): void

  /** Stops polling and closes the descriptor. Idempotent. */
  close(): void
}
