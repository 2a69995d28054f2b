import type { TunDevice, TunQueue } from '@reversed-vpn/node-tun'
import { MAX_TUN_FRAME_BYTES } from '@reversed-vpn/node-tun/testing'
import { FAR_PORT, type Family, parseFrame, type UdpFrame } from './udp-frame.js'

interface TunLabOptions {
  /** How many packets a queue holds before it drops. */
  readonly queueLimitPackets?: number
}

/** A TUN with its host behind it, real or not. */
interface TunLab extends AsyncDisposable {
  readonly device: TunDevice
  /** The host sends a UDP packet to the far end; settles when it is in the device's queue. */
  hostSends(family: Family, flow: number, payload: string): Promise<void>
  /** Settles with the payloads of the next `count` UDP packets that reached the host, sorted. */
  hostReceives(count: number): Promise<string[]>
  /** Whether the interface is there. */
  exists(): boolean
  /** Takes the interface away from under its queues. */
  vanish(): void
}

export type CreateTunLab = (options?: TunLabOptions) => Promise<TunLab>

/** Every frame that waits in the queue, whatever it carries. */
export function readFrames(queue: TunQueue, headroomBytes = 0, maxFrames = 512): Uint8Array[] {
  const target = new Uint8Array(1 << 20)
  const lengths = new Uint32Array(maxFrames)
  const count = queue.readBatch(target, headroomBytes, lengths)
  const frames: Uint8Array[] = []
  let offset = 0
  for (const length of lengths.subarray(0, count)) {
    frames.push(target.subarray(offset + headroomBytes, offset + headroomBytes + length))
    offset += headroomBytes + length
  }
  return frames
}

/** The UDP packets for the far end among them. */
export function readUdp(queue: TunQueue): UdpFrame[] {
  return readFrames(queue).flatMap((frame) => {
    const udp = parseFrame(frame)
    return udp !== undefined && udp.destinationPort >= FAR_PORT ? [udp] : []
  })
}

export function readPayloads(queue: TunQueue): string[] {
  return readUdp(queue).map((frame) => frame.payload)
}

/** Writes whole frames in one batch; returns the errno of each. */
export function writeFrames(queue: TunQueue, frames: readonly Uint8Array[]): number[] {
  const pieces = Uint32Array.from(frames.flatMap((frame, index) => [1, index, 0, frame.length]))
  const errnos = new Int32Array(frames.length)
  queue.writeBatch(frames, pieces, frames.length, errnos)
  return [...errnos]
}

/** A target with room for exactly `frames` frames of the greatest length. */
export function createTarget(frames: number, headroomBytes: number): Uint8Array {
  return new Uint8Array(frames * (headroomBytes + MAX_TUN_FRAME_BYTES))
}
