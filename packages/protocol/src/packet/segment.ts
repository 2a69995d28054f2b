import { int32, uint8, uint16, writeInt32, writeUint16 } from './bytes.js'
import { addToChecksum, finishChecksum, finishTransportChecksum } from './checksum.js'
import { IP_PROTOCOL, IPV6_HEADER_BYTES, type PacketHeaders, UDP_HEADER_BYTES } from './headers.js'

// Offsets in the TCP header, and the flags that belong to one end of a GSO packet alone (RFC 9293 §3.1, RFC 3168 §6.1.2).
const TCP_SEQUENCE = 4
const TCP_FLAGS = 13
const TCP_CHECKSUM = 16
const TCP_FIN = 0x01
const TCP_PSH = 0x08
const TCP_CWR = 0x80

const UDP_LENGTH = 4
const UDP_CHECKSUM = 6

const IPV4_TOTAL_LENGTH = 2
const IPV4_IDENTIFICATION = 4
const IPV4_CHECKSUM = 10
const IPV4_ADDRESSES = { first: 12, end: 20 } as const
const IPV6_PAYLOAD_LENGTH = 4
const IPV6_ADDRESSES = { first: 8, end: 40 } as const

/**
 * Cuts a TCP or UDP GSO packet into packets with at most `gsoSize` bytes of payload, as the kernel does
 * (`tcp_gso_segment`, `__udp_gso_segment`): every one has all headers, with complete checksums.
 *
 * @param packet a whole IP packet, not changed
 * @param headers of that packet, TCP or UDP
 * @param gsoSize at least 1
 * @returns packets that share one new piece of memory
 */
export function segment(packet: Uint8Array, headers: PacketHeaders, gsoSize: number): Uint8Array[] {
  const headerBytes = headers.l4Offset + headers.l4HeaderBytes
  const payloadBytes = packet.length - headerBytes
  const count = Math.max(1, Math.ceil(payloadBytes / gsoSize))
  const memory = new Uint8Array(count * headerBytes + payloadBytes)
  const segments: Uint8Array[] = []
  let end = 0
  for (let index = 0; index < count; index++) {
    const payloadAt = index * gsoSize
    const bytes = Math.min(gsoSize, payloadBytes - payloadAt)
    const target = memory.subarray(end, end + headerBytes + bytes)
    target.set(packet.subarray(0, headerBytes))
    target.set(packet.subarray(headerBytes + payloadAt, headerBytes + payloadAt + bytes), headerBytes)
    patchIp(target, headers, index)
    if (headers.protocol === IP_PROTOCOL.tcp) {
      patchTcp(target, headers.l4Offset, payloadAt, index === 0, index === count - 1)
    } else {
      writeUint16(target, headers.l4Offset + UDP_LENGTH, UDP_HEADER_BYTES + bytes)
    }
    writeTransportChecksum(target, headers)
    segments.push(target)
    end += target.length
  }
  return segments
}

function patchIp(packet: Uint8Array, headers: PacketHeaders, index: number): void {
  if (headers.version === 6) {
    writeUint16(packet, IPV6_PAYLOAD_LENGTH, packet.length - IPV6_HEADER_BYTES)
    return
  }

  writeUint16(packet, IPV4_TOTAL_LENGTH, packet.length)
  writeUint16(packet, IPV4_IDENTIFICATION, uint16(packet, IPV4_IDENTIFICATION) + index)
  writeUint16(packet, IPV4_CHECKSUM, 0)
  writeUint16(packet, IPV4_CHECKSUM, finishChecksum(addToChecksum(0, packet, 0, headers.l4Offset)))
}

function patchTcp(
  packet: Uint8Array,
  tcp: number,
  payloadAt: number,
  isFirst: boolean,
  isLast: boolean,
): void {
  writeInt32(packet, tcp + TCP_SEQUENCE, int32(packet, tcp + TCP_SEQUENCE) + payloadAt)
  let flags = uint8(packet, tcp + TCP_FLAGS)
  if (!isFirst) flags &= ~TCP_CWR
  if (!isLast) flags &= ~(TCP_FIN | TCP_PSH)
  packet[tcp + TCP_FLAGS] = flags
}

// Over the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) and all from the transport header on.
function writeTransportChecksum(packet: Uint8Array, headers: PacketHeaders): void {
  const field = headers.l4Offset + (headers.protocol === IP_PROTOCOL.tcp ? TCP_CHECKSUM : UDP_CHECKSUM)
  const addresses = headers.version === 4 ? IPV4_ADDRESSES : IPV6_ADDRESSES
  const pseudo = headers.protocol + (packet.length - headers.l4Offset)
  writeUint16(packet, field, 0)
  const sum = addToChecksum(pseudo, packet, addresses.first, addresses.end)
  writeUint16(
    packet,
    field,
    finishTransportChecksum(addToChecksum(sum, packet, headers.l4Offset, packet.length)),
  )
}
