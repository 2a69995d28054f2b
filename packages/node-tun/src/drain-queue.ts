import { MAX_TUN_FRAME_BYTES, type TunQueue } from './tun-device.js'

/** Room for one read. */
const READ_BYTES = 4 * MAX_TUN_FRAME_BYTES
const READ_PACKETS = 512

/**
 * Takes what waits in a queue.
 * @param limit packets after which it ends, as others may keep coming; those of one read more may be taken
 * @param onPacket gets one with its virtio-net header, which is valid until it returns
 */
export function drainQueue(queue: TunQueue, limit: number, onPacket: (payload: Buffer) => void): void {
  const bytes = Buffer.allocUnsafe(READ_BYTES)
  const lengths = new Uint32Array(READ_PACKETS)
  for (let left = limit; left > 0; ) {
    const count = queue.readBatch(bytes, 0, lengths)
    if (count === 0) return
    let at = 0
    for (const length of lengths.subarray(0, count)) {
      onPacket(bytes.subarray(at, at + length))
      at += length
    }
    left -= count
  }
}
