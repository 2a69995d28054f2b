import { constants } from 'node:os'
import type { TunQueue } from '@reversed-vpn/node-tun'
import type { OffloadKind } from '@reversed-vpn/protocol'

/**
 * One valid TCP GSO packet each: virtio-net header (NEEDS_CSUM, GSO type, header length, segment size 1000, checksum at
 * the TCP header + 16), then IP and TCP headers; 2,000 bytes of zeros follow. Addresses are documentation ranges.
 */
const GSO_PACKETS = {
  tso4:
    '01 01 2800 e803 1400 1000' +
    '45 00 07f8 0000 4000 40 06 0000 c0000201 c0000202' +
    '0009 0009 00000000 00000000 5010 ffff 0000 0000',
  tso6:
    '01 04 3c00 e803 2800 1000' +
    '60000000 07e4 06 40 20010db8000000000000000000000001 20010db8000000000000000000000002' +
    '0009 0009 00000000 00000000 5010 ffff 0000 0000',
} as const

const PAYLOAD_BYTES = 2000

/**
 * Asks the kernel which GSO packets it takes from us: some refuse valid ones with EINVAL. The interface must be down:
 * then a packet whose header is in order is refused with EIO instead, and none is ever delivered.
 */
export function findAcceptedOffloads(queue: TunQueue): OffloadKind[] {
  const accepted: OffloadKind[] = ['checksum']
  for (const kind of ['tso4', 'tso6'] as const) {
    const head = Buffer.from(GSO_PACKETS[kind].replaceAll(' ', ''), 'hex')
    const frame = Buffer.concat([head, Buffer.alloc(PAYLOAD_BYTES)])
    const errnos = new Int32Array(1)
    queue.writeBatch([frame], Uint32Array.of(1, 0, 0, frame.length), 1, errnos)
    if (errnos[0] !== constants.errno.EINVAL) accepted.push(kind)
  }
  return accepted
}
