import {
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  finishInSoftware,
  isOffloadReason,
  type PacketChecker,
  VIRTIO_NET_HEADER_BYTES,
  writeFrameHeader,
} from '@reversed-vpn/protocol'
import type { FlowSteering } from './flow-steering.js'
import type { LaneCounters } from './lane-counters.js'

/**
 * Takes a packet that has passed the checks out of its batch: returns true if another session sends it. The
 * bytes belong to the batch: copy what you keep.
 */
export type PacketRedirector = (bytes: Buffer, payloadOffset: number, payloadBytes: number) => boolean

interface PacketFramerOptions {
  /** What the peer accepts: both sides check. */
  readonly checker: PacketChecker
  readonly counters: LaneCounters['toPeer']
  /** Records what is sent. */
  readonly steering: FlowSteering
}

/**
 * Makes frames of packets: each is checked, and gets its frame header in the room in front of it.
 *
 *     buffer: │ frame header │ virtio-net header │ packet │ frame header │ virtio-net header │ packet │ …
 */
export class PacketFramer {
  /** Set while a session drains. Without it packets cost nothing more. */
  redirect: PacketRedirector | undefined

  readonly #options: PacketFramerOptions
  /** Packets that the peer would have refused, finished in software. */
  #repaired: Uint8Array[] = []

  constructor(options: PacketFramerOptions) {
    this.#options = options
  }

  /**
   * Frames a batch in place and closes the gaps of packets that are not sent.
   * @param lengths of the payloads, each behind room for its frame header
   * @returns where the last frame ends: 0 if there is none
   */
  frameBatch(buffer: Buffer, count: number, lengths: Uint32Array): number {
    const { checker, counters } = this.#options
    const steering = this.#options.steering.isNeeded ? this.#options.steering : undefined
    const nowMs = steering === undefined ? 0 : performance.now()
    let readOffset = 0
    let writeOffset = 0
    for (let i = 0; i < count; i++) {
      const payloadBytes = lengths[i] as number
      const payloadOffset = readOffset + FRAME_HEADER_BYTES
      readOffset = payloadOffset + payloadBytes
      const verdict = checker.check(buffer, payloadOffset, payloadBytes, payloadBytes)
      if (verdict !== 0) {
        this.#refuse(verdict, buffer.subarray(payloadOffset, readOffset))
        continue
      }
      if (this.redirect?.(buffer, payloadOffset, payloadBytes)) continue
      steering?.note(buffer, payloadOffset, payloadBytes, nowMs)
      if (writeOffset !== payloadOffset - FRAME_HEADER_BYTES)
        buffer.copyWithin(writeOffset, payloadOffset - FRAME_HEADER_BYTES, readOffset)
      writeFrameHeader(buffer, writeOffset, FRAME_TYPE.DATA, payloadBytes)
      writeOffset += FRAME_HEADER_BYTES + payloadBytes
      counters.packets++
      counters.bytes += payloadBytes - VIRTIO_NET_HEADER_BYTES
    }
    return writeOffset
  }

  /** The repaired packets of the last batch as frames. Undefined if there are none. */
  takeRepaired(): Buffer | undefined {
    if (this.#repaired.length === 0) return undefined
    const repaired = this.#repaired
    this.#repaired = []
    return this.#frameCopies(repaired, VIRTIO_NET_HEADER_BYTES)
  }

  /** Frames a copy of a packet with its virtio-net header. Undefined if it does not pass the checks. */
  framePayload(payload: Uint8Array): Buffer | undefined {
    return this.#frameCopies([payload], 0)
  }

  /** The peer would refuse it as it is: finished in software if that helps, else dropped and counted. */
  #refuse(verdict: number, payload: Uint8Array): void {
    const packets = isOffloadReason(verdict) ? finishInSoftware(payload) : []
    if (packets.length === 0) {
      this.#drop(verdict)
      return
    }
    this.#options.counters.repaired++
    for (const packet of packets) this.#repaired.push(packet)
  }

  /** @param headerBytes zeros in front of each, which it does not have itself */
  #frameCopies(packets: readonly Uint8Array[], headerBytes: number): Buffer | undefined {
    const { checker, counters } = this.#options
    const frames: Buffer[] = []
    for (const packet of packets) {
      const payloadBytes = headerBytes + packet.length
      const at = FRAME_HEADER_BYTES
      const frame = Buffer.allocUnsafe(at + payloadBytes).fill(0, at, at + headerBytes)
      frame.set(packet, at + headerBytes)
      const verdict = checker.check(frame, at, payloadBytes, payloadBytes)
      if (verdict !== 0) {
        this.#drop(verdict)
        continue
      }
      writeFrameHeader(frame, 0, FRAME_TYPE.DATA, payloadBytes)
      frames.push(frame)
      counters.packets++
      counters.bytes += payloadBytes - VIRTIO_NET_HEADER_BYTES
    }
    return frames.length === 0 ? undefined : Buffer.concat(frames)
  }

  #drop(verdict: number): void {
    const { drops } = this.#options.counters
    drops[verdict] = (drops[verdict] ?? 0) + 1
  }
}
