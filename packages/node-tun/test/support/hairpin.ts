import type { TunQueue } from '@reversed-vpn/node-tun'
import { MAX_TUN_FRAME_BYTES, TUN_HEADER_BYTES } from '@reversed-vpn/node-tun/testing'

const ADDRESSES = { 4: { start: 12, bytes: 4 }, 6: { start: 8, bytes: 16 } } as const

/** What went through: the longest frame, and how many had which `gso_type` (`linux/virtio_net.h`: 1 TCPv4, 4 TCPv6). */
export interface HairpinCounts {
  longestFrameBytes: number
  gsoTypes: Map<number, number>
  refused: number
}

/**
 * Sends every packet back with its addresses swapped, so that what the host sends to the far end comes to the host from
 * there: one kernel talks to itself through the TUN. Checksums don't depend on the order of what they sum.
 */
export function startHairpin(queue: TunQueue): HairpinCounts {
  const counts: HairpinCounts = { longestFrameBytes: 0, gsoTypes: new Map(), refused: 0 }
  const target = new Uint8Array(8 * MAX_TUN_FRAME_BYTES)
  const lengths = new Uint32Array(64)
  const errnos = new Int32Array(64)
  queue.startPolling(() => {
    const count = queue.readBatch(target, 0, lengths)
    const pieces: number[] = []
    let offset = 0
    for (const length of lengths.subarray(0, count)) {
      const frame = target.subarray(offset, offset + length)
      countFrame(counts, frame)
      swapAddresses(frame.subarray(TUN_HEADER_BYTES))
      pieces.push(1, 0, offset, length)
      offset += length
    }
    counts.refused += queue.writeBatch([target], Uint32Array.from(pieces), count, errnos)
  })
  return counts
}

function countFrame(counts: HairpinCounts, frame: Uint8Array): void {
  const gsoType = frame[1] ?? 0
  counts.longestFrameBytes = Math.max(counts.longestFrameBytes, frame.length)
  counts.gsoTypes.set(gsoType, (counts.gsoTypes.get(gsoType) ?? 0) + 1)
}

function swapAddresses(packet: Uint8Array): void {
  const { start, bytes } = ADDRESSES[(packet[0] ?? 0) >> 4 === 6 ? 6 : 4]
  const source = packet.slice(start, start + bytes)
  packet.copyWithin(start, start + bytes, start + 2 * bytes)
  packet.set(source, start + bytes)
}
