/** Bytes of `struct virtio_net_hdr` that precede every packet on every queue (`linux/virtio_net.h`). */
export const TUN_HEADER_BYTES = 10

/** The longest header and packet that one read returns or one write takes. */
export const MAX_TUN_FRAME_BYTES = TUN_HEADER_BYTES + 65535

/** What the kernel may leave undone on packets it hands to a reader (`TUNSETOFFLOAD`, `linux/if_tun.h`). */
export interface TunOffload {
  /** Checksums may be partial (`TUN_F_CSUM`). Required by the other three. */
  readonly checksum: boolean
  /** TCP over IPv4 may come as one packet of up to 64 KiB (`TUN_F_TSO4`). */
  readonly tso4: boolean
  /** TCP over IPv6 likewise (`TUN_F_TSO6`). */
  readonly tso6: boolean
  /** UDP likewise (`TUN_F_USO4 | TUN_F_USO6`, Linux 6.2 and later). */
  readonly uso: boolean
}

/** A TUN interface. It goes when `close` has closed its last queue, unless it is persistent. */
export interface TunDevice {
  /** The interface's name as the kernel knows it. */
  readonly name: string

  /** Opens one more queue of the same interface, attached. The kernel keeps a flow on one queue. */
  openQueue(): TunQueue

  /**
   * Sets what the kernel may leave undone. Applies to the interface as a whole and stays with a persistent one.
   * @throws TunError EINVAL when this kernel knows none of the set (older ones know no USO)
   */
  setOffload(offload: TunOffload): void

  /** Closes every queue. Idempotent. */
  close(): void
}

/** One queue of a TUN interface: a file descriptor that packets are read from and written to in batches. */
export interface TunQueue {
  /**
   * Reads packets, each with its header, one behind the other into `target`: `headroomBytes` left free for the caller,
   * then the header and packet. Stops when the queue is empty, `lengths` is full, or what is left of `target` is
   * shorter than `headroomBytes + MAX_TUN_FRAME_BYTES`.
   *
   * @param lengths receives the length in bytes of header and packet of each
   * @returns how many were read, 0 when the queue was empty
   * @throws TunError for any other failure than an empty queue
   */
  readBatch(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): number

  /**
   * Writes frames (header and packet), each gathered from pieces of `chunks` without copying. For every frame `pieces` holds
   * the number of its pieces, then for each piece the index of its chunk, the offset in it and the length in bytes.
   * A frame that the kernel refuses does not hold up those behind it.
   *
   * @param errnos receives for every frame 0 or the positive errno of the kernel's refusal
   * @returns how many frames were refused
   * @throws RangeError when a piece lies outside its chunk, or `pieces` or `errnos` is too short: nothing is written then
   */
  writeBatch(chunks: readonly Uint8Array[], pieces: Uint32Array, frameCount: number, errnos: Int32Array): number

  /** Calls `onReadable` from the event loop whenever packets wait, until `stopPolling`. Level triggered. Idempotent. */
  startPolling(onReadable: () => void): void

  /** Leaves packets with the kernel, which queues up to `txqueuelen` of them and then drops. Idempotent. */
  stopPolling(): void

  /** Gives the queue's flows to the other attached queues; reads and writes fail until `attach`. Idempotent. */
  detach(): void

  /** Takes part again. Idempotent. */
  attach(): void

  /** Stops polling and closes the descriptor. Idempotent. */
  close(): void
}
