import type { TunQueue } from '@reversed-vpn/node-tun'
import {
  type FrameView,
  PACKET_PREFIX_BYTES,
  type PacketChecker,
  VERDICT,
  VIRTIO_NET_HEADER_BYTES,
} from '@reversed-vpn/protocol'
import type { FlowSteering } from './flow-steering.js'
import type { LaneCounters } from './lane-counters.js'
import { TunWriter } from './tun-writer.js'

/** The checks need these bytes contiguous: the virtio-net header and the headers of the packet. */
const PREFIX_BYTES = VIRTIO_NET_HEADER_BYTES + PACKET_PREFIX_BYTES

/**
 * Whether a packet from the peer that has passed the checks may be written to the device.
 * @param payloadOffset where its virtio-net header begins; the bytes may end behind the headers
 */
export type PacketAdmitter = (bytes: Uint8Array, payloadOffset: number) => boolean

interface LaneReceiverOptions {
  readonly queue: TunQueue
  readonly checker: PacketChecker
  readonly counters: LaneCounters['fromPeer']
  /** Chooses the queue of the device that a packet is written to. */
  readonly steering: FlowSteering
}

/**
 * Stream to device. Frames are checked as they come, their virtio-net header rebuilt in place, and all frames
 * of one piece of the stream are written together.
 */
export class LaneReceiver {
  /** Set while several sessions share the device. Without it packets cost nothing more. */
  admit: PacketAdmitter | undefined

  readonly #options: LaneReceiverOptions
  readonly #scratch = Buffer.alloc(PREFIX_BYTES)
  readonly #own: TunWriter
  /** Of all queues that were written to, the own one included. */
  readonly #writers = new Map<TunQueue, TunWriter>()

  constructor(options: LaneReceiverOptions) {
    this.#options = options
    this.#own = this.#writerOf(options.queue)
  }

  /** Takes one DATA frame. Its chunks are held until {@link flush}. */
  receive(view: FrameView): void {
    const { counters, checker } = this.#options
    const { payloadBytes } = view
    const neededBytes = Math.min(payloadBytes, PREFIX_BYTES)
    const prefix = view.prefix(neededBytes, this.#scratch)
    const at = view.prefixOffset
    const checked = checker.check(prefix, at, view.prefixBytes, payloadBytes)
    const verdict = checked === 0 && this.admit?.(prefix, at) === false ? VERDICT['flow-taken'] : checked
    if (verdict !== 0) {
      counters.drops[verdict] = (counters.drops[verdict] ?? 0) + 1
      return
    }
    if (prefix === this.#scratch) spreadHeader(view, prefix)
    this.#choose(prefix, at, payloadBytes).add(view)
    counters.packets++
    counters.bytes += payloadBytes - VIRTIO_NET_HEADER_BYTES
  }

  /** Writes what was gathered to the device and lets go of the chunks. */
  flush(): void {
    if (this.#writers.size === 1) this.#own.flush()
    else for (const writer of this.#writers.values()) writer.flush()
  }

  #choose(bytes: Uint8Array, payloadOffset: number, payloadBytes: number): TunWriter {
    const { steering } = this.#options
    if (!steering.isNeeded) return this.#own
    const queue = steering.queueOf(bytes, payloadOffset, payloadBytes, performance.now())
    return queue === undefined ? this.#own : this.#writerOf(queue)
  }

  #writerOf(queue: TunQueue): TunWriter {
    const known = this.#writers.get(queue)
    if (known !== undefined) return known
    const writer = new TunWriter(queue, this.#options.counters)
    this.#writers.set(queue, writer)
    return writer
  }
}

/** Puts a rebuilt virtio-net header back where its bytes came from. */
function spreadHeader(view: FrameView, header: Uint8Array): void {
  let done = 0
  for (let i = 0; done < VIRTIO_NET_HEADER_BYTES; i++) {
    const bytes = Math.min(view.length(i), VIRTIO_NET_HEADER_BYTES - done)
    view.chunk(i).set(header.subarray(done, done + bytes), view.offset(i))
    done += bytes
  }
}
