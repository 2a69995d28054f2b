import type { Duplex } from 'node:stream'
import type { TunQueue } from '@reversed-vpn/node-tun'
import {
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  finishInSoftware,
  isOffloadReason,
  type PacketChecker,
  VIRTIO_NET_HEADER_BYTES,
  writeFrameHeader,
} from '@reversed-vpn/protocol'
import {
  BATCH_BYTES,
  BATCH_PACKETS,
  BATCHES_IN_FLIGHT,
  FLOOD_PACKET_BYTES,
  FLOOD_PACKETS,
  FLOOD_PAUSE_MS,
} from '../limits.js'
import type { FlowSteering } from './flow-steering.js'
import type { LaneCounters } from './lane-counters.js'
import { StartupWatch, sendingPathOf } from './startup-watch.js'

/**
 * Takes a packet that has passed the checks out of its batch: returns true if another session carries it. The bytes are the
 * batch's: what is kept has to be copied.
 */
export type PacketRedirector = (bytes: Buffer, payloadOffset: number, payloadBytes: number) => boolean

const TLS_RECORD_BYTES = 16_384

export interface LaneSenderOptions {
  readonly queue: TunQueue
  readonly stream: Duplex
  /** What the peer accepts: the rules are kept on this side already. */
  readonly checker: PacketChecker
  readonly counters: LaneCounters['toPeer']
  /** What the connection is to have; undefined stands for the kernel's default. */
  readonly congestion: string | undefined
  /** Is told of what is sent. */
  readonly steering: FlowSteering
  /** The queue failed: the device is gone or down. The sender has stopped. */
  readonly onDeviceError: (error: Error) => void
}

/**
 * Device to stream. One wakeup of the queue fills one buffer with packets, each behind room for its frame header,
 * and hands it to the stream in one write.
 *
 *     buffer: │ frame header │ virtio-net header │ packet │ frame header │ virtio-net header │ packet │ …
 *
 * Apart from that it decides when to look at the queue again:
 *
 *     stopped ──start──▶ polling ◀──────── stream drained, buffer free ───────── stalled
 *        ▲               │  ▲ └─────────── stream full, or no buffer ───────────▶ ▲
 *        │   many small  │  │ FLOOD_PAUSE_MS                                       │ stream full
 *        └─stop─ (any)   └─▶ pausing ────────────────────────────────────────────┘
 *
 * Stalled, packets wait in the kernel and nowhere else. Pausing lets a flood of small packets gather, since a wakeup, a TLS record and a
 * system call for every few of them cost more than the packets themselves.
 */
export class LaneSender {
  /** Set while a session drains. Without it packets cost nothing more. */
  redirect: PacketRedirector | undefined

  readonly #options: LaneSenderOptions
  readonly #lengths = new Uint32Array(BATCH_PACKETS)
  readonly #freeBuffers: Buffer[] = []
  #buffersMade = 0
  #state: 'stopped' | 'polling' | 'pausing' | 'stalled' = 'stopped'
  #pause: NodeJS.Timeout | undefined
  readonly #startup: StartupWatch

  constructor(options: LaneSenderOptions) {
    this.#options = options
    this.#startup = new StartupWatch(sendingPathOf(options.stream), options.congestion)
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
    this.#state = 'stopped'
    clearTimeout(this.#pause)
    this.#options.stream.off('drain', this.#resume)
    this.#options.queue.stopPolling()
  }

  readonly #onReadable = (): void => {
    const buffer = this.#takeBuffer()
    const isFlood = buffer !== undefined && this.#sendBatch(buffer)
    if (this.#state === 'stopped') return
    if (buffer === undefined || this.#options.stream.writableNeedDrain) this.#stall()
    else if (isFlood) this.#pauseReading()
    else this.#poll()
  }

  #poll(): void {
    if (this.#state === 'polling') return
    this.#state = 'polling'
    this.#options.queue.startPolling(this.#onReadable)
  }

  #stall(): void {
    if (this.#state === 'polling') this.#options.queue.stopPolling()
    this.#state = 'stalled'
    this.#options.counters.stalls++
  }

  #pauseReading(): void {
    if (this.#state === 'polling') this.#options.queue.stopPolling()
    this.#state = 'pausing'
    this.#pause = setTimeout(this.#onReadable, FLOOD_PAUSE_MS)
  }

  /** The stream may have drained, or a buffer come back: whichever is second. */
  readonly #resume = (): void => {
    if (this.#state === 'stalled' && !this.#options.stream.writableNeedDrain) this.#poll()
  }

  /** Reads what waits and sends it. Returns whether it was a flood of small packets. */
  #sendBatch(buffer: Buffer): boolean {
    let count: number
    try {
      count = this.#options.queue.readBatch(buffer, FRAME_HEADER_BYTES, this.#lengths)
    } catch (error) {
      this.#freeBuffers.push(buffer)
      this.stop()
      this.#options.onDeviceError(error as Error)
      return false
    }
    if (count === 0) {
      this.#freeBuffers.push(buffer)
      return false
    }
    const bytes = this.#send(buffer, count)
    return count >= FLOOD_PACKETS && bytes < count * FLOOD_PACKET_BYTES
  }

  /** Returns how many bytes went into the batch. */
  #send(buffer: Buffer, count: number): number {
    const repaired: Uint8Array[] = []
    const endOffset = this.#frameBatch(buffer, count, repaired)
    this.#options.counters.batches++
    if (endOffset === 0) this.#freeBuffers.push(buffer)
    else {
      this.#countRecords(endOffset)
      const batch = endOffset === buffer.length ? buffer : buffer.subarray(0, endOffset)
      this.#options.stream.write(batch, () => this.#release(buffer))
      this.#startup.onSent(endOffset, performance.now())
    }
    if (repaired.length > 0) this.#sendRepaired(repaired)
    return endOffset
  }

  /** Checks every packet and writes its frame header; closes the gaps of those that don't go. Returns the end offset. */
  #frameBatch(buffer: Buffer, count: number, repaired: Uint8Array[]): number {
    const { checker, counters } = this.#options
    const steering = this.#options.steering.isNeeded ? this.#options.steering : undefined
    const nowMs = steering === undefined ? 0 : Date.now()
    let readOffset = 0
    let writeOffset = 0
    for (let i = 0; i < count; i++) {
      const payloadBytes = this.#lengths[i] as number
      const payloadOffset = readOffset + FRAME_HEADER_BYTES
      readOffset = payloadOffset + payloadBytes
      const verdict = checker.check(buffer, payloadOffset, payloadBytes, payloadBytes)
      if (verdict !== 0) {
        this.#refuse(verdict, buffer.subarray(payloadOffset, readOffset), repaired)
        continue
      }
      if (this.redirect?.(buffer, payloadOffset, payloadBytes)) continue
      steering?.note(buffer, payloadOffset, payloadBytes, nowMs)
      const frameBytes = FRAME_HEADER_BYTES + payloadBytes
      if (writeOffset !== payloadOffset - FRAME_HEADER_BYTES)
        buffer.copyWithin(writeOffset, payloadOffset - FRAME_HEADER_BYTES, readOffset)
      writeFrameHeader(buffer, writeOffset, FRAME_TYPE.DATA, payloadBytes)
      writeOffset += frameBytes
      counters.packets++
      counters.bytes += payloadBytes - VIRTIO_NET_HEADER_BYTES
    }
    return writeOffset
  }

  /** A packet the peer would not take as it is: finished here if that helps, else dropped and counted. */
  #refuse(verdict: number, frame: Uint8Array, repaired: Uint8Array[]): void {
    const packets = isOffloadReason(verdict) ? finishInSoftware(frame) : []
    if (packets.length === 0) {
      this.#options.counters.drops[verdict] = (this.#options.counters.drops[verdict] ?? 0) + 1
      return
    }
    this.#options.counters.repaired++
    for (const packet of packets) repaired.push(packet)
  }

  /**
   * Sends one packet that came from elsewhere, with its virtio-net header; copied. Checked like any other. Dropped, as a full
   * queue would, while too much waits already.
   */
  sendPayload(payload: Uint8Array): void {
    const { stream } = this.#options
    if (!stream.writable || stream.writableLength > BATCH_BYTES) return
    const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length)
    frame.set(payload, FRAME_HEADER_BYTES)
    this.#sendFrames([frame])
  }

  #sendRepaired(packets: readonly Uint8Array[]): void {
    this.#sendFrames(
      packets.map((packet) => {
        const frame = Buffer.alloc(FRAME_HEADER_BYTES + VIRTIO_NET_HEADER_BYTES + packet.length)
        frame.set(packet, FRAME_HEADER_BYTES + VIRTIO_NET_HEADER_BYTES)
        return frame
      }),
    )
  }

  /** Sends packets that lie in buffers of their own, each behind room for its frame header. */
  #sendFrames(candidates: readonly Buffer[]): void {
    const { checker, counters, stream } = this.#options
    const frames: Buffer[] = []
    for (const frame of candidates) {
      const payloadBytes = frame.length - FRAME_HEADER_BYTES
      const verdict = checker.check(frame, FRAME_HEADER_BYTES, payloadBytes, payloadBytes)
      if (verdict !== 0) {
        counters.drops[verdict] = (counters.drops[verdict] ?? 0) + 1
        continue
      }
      writeFrameHeader(frame, 0, FRAME_TYPE.DATA, payloadBytes)
      frames.push(frame)
      counters.packets++
      counters.bytes += payloadBytes - VIRTIO_NET_HEADER_BYTES
    }
    if (frames.length === 0) return
    const batch = Buffer.concat(frames)
    this.#countRecords(batch.length)
    stream.write(batch)
  }

  #countRecords(bytes: number): void {
    this.#options.counters.records += Math.ceil(bytes / TLS_RECORD_BYTES)
  }

  #takeBuffer(): Buffer | undefined {
    const free = this.#freeBuffers.pop()
    if (free !== undefined || this.#buffersMade === BATCHES_IN_FLIGHT) return free
    this.#buffersMade++
    return Buffer.allocUnsafeSlow(BATCH_BYTES)
  }

  #release(buffer: Buffer): void {
    this.#freeBuffers.push(buffer)
    this.#resume()
  }
}
