import { VIRTIO_NET_HEADER_BYTES } from '../constants.js'
import { uint8, writeUint16 } from './bytes.js'
import { addToChecksum, finishTransportChecksum } from './checksum.js'
import { PacketHeaders } from './headers.js'
import { readIpv4 } from './ipv4.js'
import { readIpv6 } from './ipv6.js'
import { fitsPacket } from './offload.js'
import { segment } from './segment.js'
import { VERDICT } from './verdict.js'
import {
  GSO_ECN,
  GSO_TYPE,
  readChecksumOffset,
  readChecksumStart,
  readFlags,
  readGsoSize,
  readGsoType,
  VIRTIO_FLAG,
} from './virtio-header.js'

const SHORTEST_PACKET_BYTES = 20
const SCTP_PROTOCOL = 132

/**
 * Does what the virtio-net header leaves to the receiver, for frames of our own kernel that a peer would refuse
 * (`isOffloadReason`): cuts a GSO packet into segments of `gso_size` and completes checksums, also those inside a tunnel. It runs
 * rarely and allocates: the packets are new memory and belong to the caller.
 *
 * @param frame virtio-net header and packet, as read from a TUN; not changed, not kept
 * @returns plain IP packets in order, each to be sent with an all-zero virtio-net header; none when it can't be done (a
 *   `gso_type` other than TCPv4, TCPv6 and UDP_L4, a GSO packet inside a tunnel, a fragment, fields that point nowhere)
 */
export function finishInSoftware(frame: Uint8Array): Uint8Array[] {
  if (frame.length < VIRTIO_NET_HEADER_BYTES + SHORTEST_PACKET_BYTES) return []
  // Not `slice`, which for a Buffer would be a view of the frame.
  const packet = Uint8Array.from(frame.subarray(VIRTIO_NET_HEADER_BYTES))
  const headers = new PacketHeaders()
  if (readHeaders(packet, headers) !== VERDICT.passed) return []
  const gsoKind = readGsoType(frame, 0) & ~GSO_ECN
  const needsChecksum = (readFlags(frame, 0) & VIRTIO_FLAG.needsChecksum) !== 0
  if (gsoKind === GSO_TYPE.none && !needsChecksum) return [packet]
  if (headers.isFragment) return []
  if (gsoKind === GSO_TYPE.none) return completeChecksum(frame, packet, headers) ? [packet] : []
  const gsoSize = readGsoSize(frame, 0)
  if (gsoSize === 0 || !fitsPacket(gsoKind, headers)) return []
  if (needsChecksum && readChecksumStart(frame, 0) !== headers.l4Offset) return []
  return segment(packet, headers, gsoSize)
}

function readHeaders(packet: Uint8Array, headers: PacketHeaders): number {
  const version = uint8(packet, 0) >> 4
  if (version === 4) return readIpv4(packet, 0, packet.length, packet.length, headers)
  return version === 6 ? readIpv6(packet, 0, packet.length, packet.length, headers) : VERDICT['ip-version']
}

// The checksum field already holds the sum of the pseudo-header, so it is included in the sum from `csum_start` to the end
// (`skb_checksum_help`). SCTP has a CRC instead.
function completeChecksum(frame: Uint8Array, packet: Uint8Array, headers: PacketHeaders): boolean {
  const start = readChecksumStart(frame, 0)
  const field = start + readChecksumOffset(frame, 0)
  if (headers.protocol === SCTP_PROTOCOL) return false
  if (start < headers.l4Offset || field + 2 > packet.length) return false
  writeUint16(packet, field, finishTransportChecksum(addToChecksum(0, packet, start, packet.length)))
  return true
}
