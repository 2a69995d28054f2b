import { uint8 } from './bytes.js'
import { ICMP_HEADER_BYTES, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, type PacketHeaders } from './headers.js'
import { VERDICT } from './verdict.js'

/** An error quotes at least this much behind the IP header: the ports, which connection tracking looks up (RFC 792). */
const QUOTED_L4_BYTES = 8

/**
 * Reads an ICMP or ICMPv6 message. Echo and errors pass; messages that change routes or neighbours do not. Errors are short and
 * never fragmented, so an error in a fragment is refused by its type: its quote could not be checked whole.
 *
 * @param headers fills in `quoteOffset`
 * @returns a verdict
 */
export function readIcmp(
  bytes: Uint8Array,
  start: number,
  packetBytes: number,
  readableBytes: number,
  headers: PacketHeaders,
): number {
  const type = uint8(bytes, start + headers.l4Offset)
  const isVersion4 = headers.version === 4
  if (isVersion4 ? isEcho4(type) : isEcho6(type)) return VERDICT.passed
  const isError = isVersion4 ? isError4(type) : isError6(type)
  if (!isError || headers.isFragment) return isVersion4 ? VERDICT['icmp-type'] : VERDICT['icmpv6-type']
  const quoteOffset = headers.l4Offset + ICMP_HEADER_BYTES
  const quotedBytes = Math.min(packetBytes, readableBytes) - quoteOffset
  const headerBytes = isVersion4
    ? ipv4HeaderBytes(bytes, start + quoteOffset, quotedBytes)
    : ipv6HeaderBytes(bytes, start + quoteOffset, quotedBytes)
  if (headerBytes === 0 || headerBytes + QUOTED_L4_BYTES > quotedBytes) return VERDICT['icmp-quote']
  headers.quoteOffset = quoteOffset
  return VERDICT.passed
}

function ipv4HeaderBytes(bytes: Uint8Array, at: number, quotedBytes: number): number {
  if (quotedBytes < IPV4_HEADER_BYTES || uint8(bytes, at) >> 4 !== 4) return 0
  const headerBytes = (uint8(bytes, at) & 0x0f) * 4
  return headerBytes < IPV4_HEADER_BYTES ? 0 : headerBytes
}

function ipv6HeaderBytes(bytes: Uint8Array, at: number, quotedBytes: number): number {
  return quotedBytes < IPV6_HEADER_BYTES || uint8(bytes, at) >> 4 !== 6 ? 0 : IPV6_HEADER_BYTES
}

function isEcho4(type: number): boolean {
  return type === 8 || type === 0
}

// Destination unreachable, time exceeded, parameter problem (RFC 792). Source quench and redirect are none of these.
function isError4(type: number): boolean {
  return type === 3 || type === 11 || type === 12
}

function isEcho6(type: number): boolean {
  return type === 128 || type === 129
}

// Destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443).
function isError6(type: number): boolean {
  return type >= 1 && type <= 4
}
