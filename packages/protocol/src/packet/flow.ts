import { VIRTIO_NET_HEADER_BYTES } from '../constants.js'
import { int32, uint8, uint16 } from './bytes.js'
import { IP_PROTOCOL, IPV4_FRAGMENT_MASK, IPV6_HEADER_BYTES } from './headers.js'

const IPV6_ADDRESS_WORDS = 8

// Offsets in the headers.
const IPV4_DESTINATION = { first: 16, end: 20 } as const
const IPV6_DESTINATION = { first: 24, end: 40 } as const
const TCP_FLAGS = 13
const TCP_FIN = 0x01
const TCP_SYN = 0x02
const TCP_RST = 0x04
const TCP_ACK = 0x10

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
  const isFragment = (uint16(bytes, start + 6) & IPV4_FRAGMENT_MASK) !== 0
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

/**
 * A text for the TCP connection of a packet, of its destination address and both ports. Undefined for other protocols, for
 * fragments, and for extension headers, which nobody sends with TCP.
 *
 * @param payloadOffset as for {@link flowHash}
 */
export function tcpFlowOf(bytes: Buffer, payloadOffset: number): string | undefined {
  const tcp = tcpHeaderOf(bytes, payloadOffset)
  if (tcp < 0) return undefined
  const start = payloadOffset + VIRTIO_NET_HEADER_BYTES
  const { first, end } = uint8(bytes, start) >> 4 === 6 ? IPV6_DESTINATION : IPV4_DESTINATION
  return bytes.toString('latin1', start + first, start + end) + bytes.toString('latin1', tcp, tcp + 4)
}

/** Whether a packet opens the TCP connection that `tcpFlowOf` names: it has SYN and not ACK. */
export function opensTcpFlow(bytes: Uint8Array, payloadOffset: number): boolean {
  const tcp = tcpHeaderOf(bytes, payloadOffset)
  return tcp >= 0 && (uint8(bytes, tcp + TCP_FLAGS) & (TCP_SYN | TCP_ACK)) === TCP_SYN
}

/** Whether a packet says that its TCP connection ends: it has FIN or RST. */
export function endsTcpFlow(bytes: Uint8Array, payloadOffset: number): boolean {
  const tcp = tcpHeaderOf(bytes, payloadOffset)
  return tcp >= 0 && (uint8(bytes, tcp + TCP_FLAGS) & (TCP_FIN | TCP_RST)) !== 0
}

/** Whether it is a TCP segment, and no fragment of one. */
export function isTcp(bytes: Uint8Array, payloadOffset: number): boolean {
  return tcpHeaderOf(bytes, payloadOffset) >= 0
}

/** Where the TCP header begins, or -1. */
function tcpHeaderOf(bytes: Uint8Array, payloadOffset: number): number {
  const start = payloadOffset + VIRTIO_NET_HEADER_BYTES
  const first = uint8(bytes, start)
  if (first >> 4 === 6) return uint8(bytes, start + 6) === IP_PROTOCOL.tcp ? start + IPV6_HEADER_BYTES : -1
  const isWhole = (uint16(bytes, start + 6) & IPV4_FRAGMENT_MASK) === 0
  return isWhole && uint8(bytes, start + 9) === IP_PROTOCOL.tcp ? start + (first & 15) * 4 : -1
}
