import { VIRTIO_NET_HEADER_BYTES } from '../constants.js'
import { int32, uint8, uint16 } from './bytes.js'
import { IP_PROTOCOL, IPV6_HEADER_BYTES } from './packet-headers.js'

const MORE_FRAGMENTS_OR_OFFSET = 0x3fff
const IPV6_ADDRESS_WORDS = 8

/**
 * A number for the flow that a packet belongs to, the same for both directions: of its addresses and, for TCP and UDP, its ports.
 * Fragments, and what has extension headers, go by addresses alone. Allocates nothing.
 *
 * @param payloadOffset where the virtio-net header begins; the packet behind it has passed a `PacketChecker`
 * @returns 32 bits, as a signed number
 */
export function flowHash(bytes: Uint8Array, payloadOffset: number): number {
  const start = payloadOffset + VIRTIO_NET_HEADER_BYTES
  return uint8(bytes, start) >> 4 === 4 ? hash4(bytes, start) : hash6(bytes, start)
}

function hash4(bytes: Uint8Array, start: number): number {
  const addresses = int32(bytes, start + 12) ^ int32(bytes, start + 16)
  const protocol = uint8(bytes, start + 9)
  const isFragment = (uint16(bytes, start + 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0
  const ports = isFragment ? 0 : portsOf(bytes, start + (uint8(bytes, start) & 15) * 4, protocol)
  return mix(addresses, protocol, ports)
}

function hash6(bytes: Uint8Array, start: number): number {
  let addresses = 0
  for (let word = 0; word < IPV6_ADDRESS_WORDS; word++) addresses ^= int32(bytes, start + 8 + 4 * word)
  const protocol = uint8(bytes, start + 6)
  return mix(addresses, protocol, portsOf(bytes, start + IPV6_HEADER_BYTES, protocol))
}

function portsOf(bytes: Uint8Array, at: number, protocol: number): number {
  const hasPorts = protocol === IP_PROTOCOL.tcp || protocol === IP_PROTOCOL.udp
  return hasPorts ? uint16(bytes, at) ^ uint16(bytes, at + 2) : 0
}

/** Every bit of the result depends on every bit that went in (the finaliser of MurmurHash3). */
function mix(addresses: number, protocol: number, ports: number): number {
  let hash = addresses ^ Math.imul(ports | (protocol << 16), 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
