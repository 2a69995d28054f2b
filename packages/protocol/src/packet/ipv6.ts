import { uint8, uint16 } from './bytes.js'
import { IPV6_HEADER_BYTES, type PacketHeaders } from './headers.js'
import { readTransport } from './layer4.js'
import { VERDICT } from './verdict.js'

const MAX_EXTENSION_HEADERS = 8
const SHORTEST_EXTENSION_BYTES = 8

// Extension headers whose second byte is their length (IANA "IPv6 Extension Header Types").
const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION_OPTIONS = 60
const MOBILITY = 135
const HOST_IDENTITY = 139
const SHIM6 = 140

/**
 * Reads the headers of an IPv6 packet (RFC 8200) that starts at `start`. Jumbograms have a payload length of zero and so
 * never fit their frame.
 *
 * @param packetBytes length of the whole packet
 * @param readableBytes how many of them may be looked at
 * @returns a verdict
 */
export function readIpv6(
  bytes: Uint8Array,
  start: number,
  packetBytes: number,
  readableBytes: number,
  headers: PacketHeaders,
): number {
  if (packetBytes < IPV6_HEADER_BYTES) return VERDICT.length
  if (uint16(bytes, start + 4) + IPV6_HEADER_BYTES !== packetBytes) return VERDICT['ip-length']
  headers.version = 6
  headers.protocol = uint8(bytes, start + 6)
  headers.l4Offset = IPV6_HEADER_BYTES
  headers.isFragment = false
  headers.fragmentOffset = 0
  if (isExtension(headers.protocol)) {
    const verdict = readExtensions(bytes, start, packetBytes, readableBytes, headers)
    if (verdict !== VERDICT.passed) return verdict
  }
  return readTransport(bytes, start, packetBytes, readableBytes, headers)
}

// Moves `headers` behind the extension headers. Those that follow a later fragment's header belong to the first fragment.
function readExtensions(
  bytes: Uint8Array,
  start: number,
  packetBytes: number,
  readableBytes: number,
  headers: PacketHeaders,
): number {
  for (let count = 1; isExtension(headers.protocol) && headers.fragmentOffset === 0; count++) {
    const kind = headers.protocol
    const offset = headers.l4Offset
    if (kind === ROUTING) return VERDICT['routing-header']
    if (count > MAX_EXTENSION_HEADERS || (kind === HOP_BY_HOP && offset !== IPV6_HEADER_BYTES)) {
      return VERDICT['extension-headers']
    }
    if (offset + SHORTEST_EXTENSION_BYTES > packetBytes) {
      return headers.isFragment ? VERDICT['fragment-tiny'] : VERDICT.truncated
    }
    if (offset + SHORTEST_EXTENSION_BYTES > readableBytes) return VERDICT['headers-too-long']
    const at = start + offset
    if (kind === FRAGMENT) {
      if (headers.isFragment) return VERDICT['extension-headers']
      headers.isFragment = true
      headers.fragmentOffset = uint16(bytes, at + 2) >> 3
    }
    headers.protocol = uint8(bytes, at)
    headers.l4Offset = offset + extensionBytes(kind, uint8(bytes, at + 1))
  }
  return VERDICT.passed
}

function extensionBytes(kind: number, length: number): number {
  if (kind === FRAGMENT) return SHORTEST_EXTENSION_BYTES
  return kind === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8
}

function isExtension(protocol: number): boolean {
  switch (protocol) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HOST_IDENTITY:
    case SHIM6:
      return true
    default:
      return false
  }
}
