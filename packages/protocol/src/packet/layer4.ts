import { uint8 } from './bytes.js'
import {
  ICMP_HEADER_BYTES,
  IP_PROTOCOL,
  type PacketHeaders,
  TCP_HEADER_BYTES,
  UDP_HEADER_BYTES,
} from './headers.js'
import { readIcmp } from './icmp.js'
import { VERDICT } from './verdict.js'

/**
 * Reads what follows the IP headers, as far as a verdict needs it. The first fragment must hold all headers, and no later one may
 * write over the fixed part of a TCP header (RFC 1858). The receiving kernel finds other overlaps when it reassembles.
 *
 * @param headers has all but `l4HeaderBytes` and `quoteOffset`, which are filled in
 * @returns a verdict
 */
export function readTransport(
  bytes: Uint8Array,
  start: number,
  packetBytes: number,
  readableBytes: number,
  headers: PacketHeaders,
): number {
  headers.l4HeaderBytes = 0
  headers.quoteOffset = 0
  if (headers.fragmentOffset !== 0) return judgeLaterFragment(headers)
  const fixedBytes = fixedHeaderBytes(headers.protocol, headers.version)
  const fixedEnd = headers.l4Offset + fixedBytes
  if (fixedEnd > packetBytes) return endsTooEarly(headers)
  if (fixedEnd > readableBytes) return VERDICT['headers-too-long']
  if (headers.protocol === IP_PROTOCOL.tcp) {
    const headerBytes = (uint8(bytes, start + headers.l4Offset + 12) >> 4) * 4
    if (headerBytes < TCP_HEADER_BYTES) return VERDICT.truncated
    if (headers.l4Offset + headerBytes > packetBytes) return endsTooEarly(headers)
    if (headers.l4Offset + headerBytes > readableBytes) return VERDICT['headers-too-long']
    headers.l4HeaderBytes = headerBytes
    return VERDICT.passed
  }
  headers.l4HeaderBytes = fixedBytes
  if (fixedBytes === 0 || headers.protocol === IP_PROTOCOL.udp) return VERDICT.passed
  return readIcmp(bytes, start, packetBytes, readableBytes, headers)
}

function judgeLaterFragment(headers: PacketHeaders): number {
  return headers.protocol === IP_PROTOCOL.tcp && headers.fragmentOffset * 8 < TCP_HEADER_BYTES
    ? VERDICT['fragment-overlap']
    : VERDICT.passed
}

function endsTooEarly(headers: PacketHeaders): number {
  return headers.isFragment ? VERDICT['fragment-tiny'] : VERDICT.truncated
}

// 0 for protocols whose headers are of no interest here. ICMP belongs to IPv4 and ICMPv6 to IPv6.
function fixedHeaderBytes(protocol: number, version: number): number {
  switch (protocol) {
    case IP_PROTOCOL.tcp:
      return TCP_HEADER_BYTES
    case IP_PROTOCOL.udp:
      return UDP_HEADER_BYTES
    case IP_PROTOCOL.icmp:
      return version === 4 ? ICMP_HEADER_BYTES : 0
    case IP_PROTOCOL.icmpv6:
      return version === 6 ? ICMP_HEADER_BYTES : 0
    default:
      return 0
  }
}
