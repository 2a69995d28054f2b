import { uint8, uint16 } from './bytes.js'
import { IPV4_FRAGMENT_MASK, IPV4_HEADER_BYTES, type PacketHeaders } from './headers.js'
import { readTransport } from './layer4.js'
import { VERDICT } from './verdict.js'

const OPTION_END = 0
const OPTION_NOP = 1
const OPTION_LOOSE_SOURCE_ROUTE = 131
const OPTION_STRICT_SOURCE_ROUTE = 137

/**
 * Reads the headers of an IPv4 packet (RFC 791) that starts at `start`.
 *
 * @param packetBytes length of the whole packet, at least 20
 * @param readableBytes how many of them may be looked at
 * @returns a verdict
 */
export function readIpv4(
  bytes: Uint8Array,
  start: number,
  packetBytes: number,
  readableBytes: number,
  headers: PacketHeaders,
): number {
  const headerBytes = (uint8(bytes, start) & 0x0f) * 4
  if (headerBytes < IPV4_HEADER_BYTES || headerBytes > packetBytes) return VERDICT['ipv4-header']
  if (uint16(bytes, start + 2) !== packetBytes) return VERDICT['ip-length']
  if (headerBytes > readableBytes) return VERDICT['headers-too-long']
  if (headerBytes > IPV4_HEADER_BYTES) {
    const verdict = judgeOptions(bytes, start + IPV4_HEADER_BYTES, start + headerBytes)
    if (verdict !== VERDICT.passed) return verdict
  }
  const fragment = uint16(bytes, start + 6)
  headers.version = 4
  headers.protocol = uint8(bytes, start + 9)
  headers.l4Offset = headerBytes
  headers.isFragment = (fragment & IPV4_FRAGMENT_MASK) !== 0
  headers.fragmentOffset = fragment & 0x1fff
  return readTransport(bytes, start, packetBytes, readableBytes, headers)
}

function judgeOptions(bytes: Uint8Array, first: number, end: number): number {
  let at = first
  while (at < end) {
    const option = uint8(bytes, at)
    if (option === OPTION_END) break
    if (option === OPTION_LOOSE_SOURCE_ROUTE || option === OPTION_STRICT_SOURCE_ROUTE) {
      return VERDICT['source-route']
    }
    if (option === OPTION_NOP) {
      at++
    } else {
      if (at + 1 >= end) return VERDICT['ipv4-header']
      const optionBytes = uint8(bytes, at + 1)
      if (optionBytes < 2 || at + optionBytes > end) return VERDICT['ipv4-header']
      at += optionBytes
    }
  }
  return VERDICT.passed
}
