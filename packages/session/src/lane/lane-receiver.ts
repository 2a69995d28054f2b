import type { TunQueue } from '@reversed-vpn/node-tun'
import {
  type FrameView,
  finishInSoftware,
  PACKET_PREFIX_BYTES,
  type PacketChecker,
  VIRTIO_NET_HEADER_BYTES,
} from '@reversed-vpn/protocol'
import { WRITE_FRAMES } from '../limits.js'
import type { LaneCounters } from './lane-counters.js'

/** What has to lie in one piece for the checks: the virtio-net header and the headers of the packet. */
const PREFIX_BYTES = VIRTIO_NET_HEADER_BYTES + PACKET_PREFIX_BYTES

/** Words of the piece list per frame: its number of pieces, then chunk, offset and length of each. A longest frame spans few chunks. */
const PIECE_WORDS = 3

export interface LaneReceiverOptions {
  readonly queue: TunQueue
  readonly checker: PacketChecker
  readonly counters: LaneCounters['fromPeer']
}

/**
 * Stream to device. Frames are checked as they come, their virtio-net header rebuilt in place, and all frames of one piece
 * of the stream are written to the queue together, gathered from where they lie: no packet is copied.
 */
export class LaneReceiver {
  readonly #options: LaneReceiverOptions
  readonly #scratch = Buffer.alloc(PREFIX_BYTES)
  readonly #errnos = new Int32Array(WRITE_FRAMES)
  #pieces = new Uint32Array(WRITE_FRAMES * (1 + 2 * PIECE_WORDS))
  #pieceWords = 0
  #chunks: Uint8Array[] = []
  #frameCount = 0

  constructor(options: LaneReceiverOptions) {
    this.#options = options
  }

  /** Takes one DATA frame. Its chunks are held until {@link flush}. */
  receive(view: FrameView): void {
    const { counters } = this.#options
    const verdict = this.#check(view)
    if (verdict !== 0) {
      counters.drops[verdict] = (counters.drops[verdict] ?? 0) + 1
      return
    }
    this.#gather(view)
    counters.packets++
    counters.bytes += view.payloadBytes - VIRTIO_NET_HEADER_BYTES
    if (this.#frameCount === WRITE_FRAMES) this.flush()
  }

  /** Writes what was gathered to the device and lets go of the chunks. */
  flush(): void {
    if (this.#frameCount === 0) return
    const { queue, counters } = this.#options
    const refused = queue.writeBatch(this.#chunks, this.#pieces, this.#frameCount, this.#errnos)
    counters.batches++
    if (refused > 0) this.#retryRefused()
    this.#chunks = []
    this.#pieceWords = 0
    this.#frameCount = 0
  }

  #check(view: FrameView): number {
    const { checker } = this.#options
    const { payloadBytes } = view
    const neededBytes = Math.min(payloadBytes, PREFIX_BYTES)
    const first = view.chunk(0)
    const offset = view.offset(0)
    if (view.length(0) >= neededBytes) {
      return checker.check(first, offset, view.length(0), payloadBytes, first, offset)
    }
    const prefix = view.prefix(neededBytes, this.#scratch)
    const verdict = checker.check(prefix, 0, neededBytes, payloadBytes, prefix, 0)
    if (verdict === 0) spreadHeader(view, prefix)
    return verdict
  }

  #gather(view: FrameView): void {
    const words = 1 + PIECE_WORDS * view.pieceCount
    if (this.#pieceWords + words > this.#pieces.length) this.#growPieces(words)
    const pieces = this.#pieces
    let at = this.#pieceWords
    pieces[at++] = view.pieceCount
    for (let i = 0; i < view.pieceCount; i++) {
      pieces[at++] = this.#chunkIndex(view.chunk(i))
      pieces[at++] = view.offset(i)
      pieces[at++] = view.length(i)
    }
    this.#pieceWords = at
    this.#frameCount++
  }

  /** Frames come in the order of the stream, so a chunk met before is the last one. */
  #chunkIndex(chunk: Uint8Array): number {
    const last = this.#chunks.length - 1
    if (last >= 0 && this.#chunks[last] === chunk) return last
    return this.#chunks.push(chunk) - 1
  }

  #growPieces(words: number): void {
    const grown = new Uint32Array(2 * this.#pieces.length + words)
    grown.set(this.#pieces)
    this.#pieces = grown
  }

  /** Some kernels refuse valid super-packets: such a frame is finished in software and written again, once. */
  #retryRefused(): void {
    const { counters } = this.#options
    let at = 0
    for (let frame = 0; frame < this.#frameCount; frame++) {
      const count = this.#pieces[at] as number
      if (this.#errnos[frame] !== 0) {
        const packets = finishInSoftware(this.#copyFrame(at + 1, count))
        if (packets.length === 0 || this.#writePlain(packets) > 0) counters.refusedByDevice++
      }
      at += 1 + PIECE_WORDS * count
    }
  }

  #copyFrame(at: number, count: number): Uint8Array {
    const parts: Uint8Array[] = []
    for (let i = 0; i < count; i++) {
      const [index = 0, offset = 0, length = 0] = this.#pieces.subarray(at + PIECE_WORDS * i)
      parts.push((this.#chunks[index] as Uint8Array).subarray(offset, offset + length))
    }
    return Buffer.concat(parts)
  }

  #writePlain(packets: readonly Uint8Array[]): number {
    const header = new Uint8Array(VIRTIO_NET_HEADER_BYTES)
    const chunks = [header, ...packets]
    const pieces = packets.flatMap((packet, i) => [2, 0, 0, header.length, i + 1, 0, packet.length])
    const errnos = new Int32Array(packets.length)
    return this.#options.queue.writeBatch(chunks, Uint32Array.from(pieces), packets.length, errnos)
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
