import { constants } from 'node:os'
import type { TunQueue } from '@reversed-vpn/node-tun'
import {
  type FrameView,
  finishInSoftware,
  UdpCoalescer,
  VIRTIO_NET_HEADER_BYTES,
} from '@reversed-vpn/protocol'
import { WRITE_FRAMES } from '../limits.js'
import type { LaneCounters } from './lane-counters.js'

/** Words of the piece list per frame: its number of pieces, then chunk, offset and length of each. */
const PIECE_WORDS = 3

/**
 * Gathers checked frames and writes them to a queue together, from where they lie: no packet is copied. Small
 * UDP packets of a flow that follow each other are written as one, where the kernel takes it.
 */
export class TunWriter {
  readonly #queue: TunQueue
  readonly #counters: LaneCounters['fromPeer']
  readonly #errnos = new Int32Array(WRITE_FRAMES)
  #pieces = new Uint32Array(WRITE_FRAMES * (1 + 2 * PIECE_WORDS))
  #pieceWords = 0
  /** Where the last frame begins in the piece list. */
  #lastFrame = 0
  #chunks: Uint8Array[] = []
  #frameCount = 0
  /** Undefined once the kernel has refused what it made: not before Linux 6.2. */
  #coalescer: UdpCoalescer | undefined = new UdpCoalescer()

  constructor(queue: TunQueue, counters: LaneCounters['fromPeer']) {
    this.#queue = queue
    this.#counters = counters
  }

  /** Takes a frame whose virtio-net header was rebuilt. Its chunks are held until {@link flush}. */
  add(view: FrameView): void {
    const joinedBytes = this.#join(view)
    if (joinedBytes > 0) this.#appendPiece(view, joinedBytes)
    else this.#appendFrame(view)
    if (this.#frameCount === WRITE_FRAMES) this.flush()
  }

  /** Writes what was gathered to the device and lets go of the chunks. */
  flush(): void {
    if (this.#frameCount === 0) return
    this.#coalescer?.end()
    const refused = this.#queue.writeBatch(this.#chunks, this.#pieces, this.#frameCount, this.#errnos)
    this.#counters.batches++
    if (refused > 0) this.#retryRefused()
    this.#chunks = []
    this.#pieceWords = 0
    this.#frameCount = 0
  }

  /** How much of the front of the frame is left out when it goes with the frame before; else 0. */
  #join(view: FrameView): number {
    if (this.#coalescer === undefined) return 0
    if (view.pieceCount === 1) return this.#coalescer.add(view.chunk(0), view.offset(0), view.payloadBytes)
    this.#coalescer.end()
    return 0
  }

  #appendFrame(view: FrameView): void {
    const words = 1 + PIECE_WORDS * view.pieceCount
    if (this.#pieceWords + words > this.#pieces.length) this.#growPieces(words)
    const pieces = this.#pieces
    let at = this.#pieceWords
    this.#lastFrame = at
    pieces[at++] = view.pieceCount
    for (let i = 0; i < view.pieceCount; i++) {
      pieces[at++] = this.#chunkIndex(view.chunk(i))
      pieces[at++] = view.offset(i)
      pieces[at++] = view.length(i)
    }
    this.#pieceWords = at
    this.#frameCount++
  }

  #appendPiece(view: FrameView, joinedBytes: number): void {
    if (this.#pieceWords + PIECE_WORDS > this.#pieces.length) this.#growPieces(PIECE_WORDS)
    const pieces = this.#pieces
    pieces[this.#lastFrame] = (pieces[this.#lastFrame] as number) + 1
    pieces[this.#pieceWords++] = this.#chunkIndex(view.chunk(0))
    pieces[this.#pieceWords++] = view.offset(0) + joinedBytes
    pieces[this.#pieceWords++] = view.payloadBytes - joinedBytes
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

  /** Some kernels refuse valid GSO packets: such a frame is finished in software and written again, once. */
  #retryRefused(): void {
    let at = 0
    for (let frame = 0; frame < this.#frameCount; frame++) {
      const count = this.#pieces[at] as number
      if (this.#errnos[frame] !== 0) {
        if (this.#errnos[frame] === constants.errno.EINVAL) this.#coalescer = undefined
        const packets = finishInSoftware(this.#copyFrame(at + 1, count))
        if (packets.length === 0 || this.#writePlain(packets) > 0) this.#counters.refusedByDevice++
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
    return this.#queue.writeBatch(chunks, Uint32Array.from(pieces), packets.length, errnos)
  }
}
