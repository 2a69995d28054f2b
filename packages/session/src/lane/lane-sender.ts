import type { Duplex } from 'node:stream'
import type { TunQueue } from '@reversed-vpn/node-tun'
import { FRAME_HEADER_BYTES } from '@reversed-vpn/protocol'
import {
  BATCH_BYTES,
  BATCH_PACKETS,
  SMALL_PACKET_BYTES,
  SMALL_PACKET_COUNT,
  SMALL_PACKET_PAUSE_MS,
} from '../limits.js'
import { checkLegal, type Legal } from '../state.js'
import { BatchBuffers } from './batch-buffers.js'
import { type LaneCounters, recordsOf } from './lane-counters.js'
import type { PacketFramer } from './packet-framer.js'

/** Is told of what goes to the connection. */
export interface WriteObserver {
  /** @param nowMs of `performance.now()` */
  onSent(bytes: number, nowMs: number): void
}

export interface LaneSenderOptions {
  readonly queue: TunQueue
  readonly stream: Duplex
  readonly framer: PacketFramer
  readonly counters: LaneCounters['toPeer']
  readonly writes: WriteObserver
  /** The queue failed: the device is gone or down. The sender has stopped. */
  readonly onDeviceError: (error: Error) => void
  /** Packets were written to the stream. */
  readonly onSent: () => void
}

type SenderState = 'stopped' | 'polling' | 'pausing' | 'stalled'

const LEGAL: Legal<SenderState> = {
  stopped: ['polling'],
  polling: ['pausing', 'stalled', 'stopped'],
  pausing: ['pausing', 'polling', 'stalled', 'stopped'],
  stalled: ['polling', 'stopped'],
}

/**
 * Device to stream. One wakeup of the queue fills one buffer with packets, which goes to the stream in one
 * write. Decides when to look at the queue again:
 *
 *     stopped ──start──▶ polling ◀────── stream drained, buffer free ──────── stalled
 *        ▲               │   ▲ └──────── stream full, or no buffer ─────────▶ ▲
 *        │   many small  │   │ after SMALL_PACKET_PAUSE_MS, unless there      │ stream full
 *        │    packets    │   │ are many small ones again                      │
 *        └─stop─ (any)   └─▶ pausing ─────────────────────────────────────────┘
 *
 * Stalled, packets wait in the kernel and nowhere else. Pausing lets small packets gather, since a wakeup, a
 * TLS record and a system call for every few of them cost more than the packets themselves.
 */
export class LaneSender {
  readonly #options: LaneSenderOptions
  readonly #lengths = new Uint32Array(BATCH_PACKETS)
  readonly #buffers = new BatchBuffers()
  #state: SenderState = 'stopped'
  #pause: NodeJS.Timeout | undefined

  constructor(options: LaneSenderOptions) {
    this.#options = options
  }

  /** Starts taking packets from the queue. Idempotent. */
  start(): void {
    if (this.#state !== 'stopped') return
    this.#options.stream.on('drain', this.#resume)
    this.#poll()
  }

  /** Leaves further packets to the kernel; what was read is still sent. Idempotent. */
  stop(): void {
    if (this.#state === 'stopped') return
    this.#enter('stopped')
    clearTimeout(this.#pause)
    this.#options.stream.off('drain', this.#resume)
  }

  /**
   * Sends one packet that came from elsewhere, with its virtio-net header; copied. Checked like any other.
   * Dropped, as a full queue would, while too much waits already.
   */
  sendPayload(payload: Uint8Array): void {
    const { stream, framer } = this.#options
    if (!stream.writable || stream.writableLength > BATCH_BYTES) return
    const frame = framer.framePayload(payload)
    if (frame !== undefined) this.#write(frame)
  }

  readonly #onReadable = (): void => {
    const buffer = this.#buffers.take()
    const hasSmallPackets = buffer !== undefined && this.#sendBatch(buffer)
    if (this.#state === 'stopped') return
    if (buffer === undefined || this.#options.stream.writableNeedDrain) this.#stall()
    else if (hasSmallPackets) this.#pauseReading()
    else this.#poll()
  }

  /** The stream may have drained, or a buffer come back: whichever is second. */
  readonly #resume = (): void => {
    if (this.#state === 'stalled' && !this.#options.stream.writableNeedDrain) this.#poll()
  }

  #poll(): void {
    if (this.#state === 'polling') return
    this.#enter('polling')
    this.#options.queue.startPolling(this.#onReadable)
  }

  #stall(): void {
    this.#enter('stalled')
    this.#options.counters.stalls++
  }

  #pauseReading(): void {
    this.#enter('pausing')
    this.#pause = setTimeout(this.#onReadable, SMALL_PACKET_PAUSE_MS)
  }

  #enter(next: SenderState): void {
    checkLegal('lane sender', LEGAL, this.#state, next)
    if (this.#state === 'polling') this.#options.queue.stopPolling()
    this.#state = next
  }

  /** Reads what waits and sends it. @returns whether it was many small packets */
  #sendBatch(buffer: Buffer): boolean {
    let count: number
    try {
      count = this.#options.queue.readBatch(buffer, FRAME_HEADER_BYTES, this.#lengths)
    } catch (error) {
      this.#buffers.release(buffer)
      this.stop()
      this.#options.onDeviceError(error as Error)
      return false
    }
    if (count === 0) {
      this.#buffers.release(buffer)
      return false
    }
    const bytes = this.#send(buffer, count)
    return count >= SMALL_PACKET_COUNT && bytes < count * SMALL_PACKET_BYTES
  }

  /** @returns how many bytes went into the batch */
  #send(buffer: Buffer, count: number): number {
    const { framer, counters, stream, writes } = this.#options
    const endOffset = framer.frameBatch(buffer, count, this.#lengths)
    counters.batches++
    if (endOffset === 0) this.#buffers.release(buffer)
    else {
      counters.records += recordsOf(endOffset)
      const batch = endOffset === buffer.length ? buffer : buffer.subarray(0, endOffset)
      stream.write(batch, () => this.#release(buffer))
      writes.onSent(endOffset, performance.now())
    }
    const repaired = framer.takeRepaired()
    if (repaired !== undefined) this.#write(repaired)
    this.#options.onSent()
    return endOffset
  }

  #write(frames: Buffer): void {
    this.#options.counters.records += recordsOf(frames.length)
    this.#options.stream.write(frames)
  }

  #release(buffer: Buffer): void {
    this.#buffers.release(buffer)
    this.#resume()
  }
}
