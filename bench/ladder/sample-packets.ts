import { VIRTIO_NET_HEADER_BYTES } from '@reversed-vpn/protocol'

/** Both ends of the packets below: a seed's transfer address and a pod. */
export const SAMPLE_SOURCE = '192.168.123.1'
export const SAMPLE_DESTINATION = '100.96.1.2'
export const SAMPLE_MTU = 1500

const IPV4_HEADER_BYTES = 20
const TCP_HEADER_BYTES = 32
const UDP_HEADER_BYTES = 8
const IPPROTO_TCP = 6
const IPPROTO_UDP = 17
const NEEDS_CSUM = 1
const GSO_TCPV4 = 1

/** A virtio-net header and a TCP GSO packet, as a TUN with TSO delivers it. The packet has at most 65,535 bytes. */
export function tcpGsoPacket(packetBytes: number): Buffer {
  const frame = ipv4Frame(packetBytes, IPPROTO_TCP)
  const segmentBytes = SAMPLE_MTU - IPV4_HEADER_BYTES - TCP_HEADER_BYTES
  frame[0] = NEEDS_CSUM
  frame[1] = GSO_TCPV4
  frame.writeUInt16LE(IPV4_HEADER_BYTES + TCP_HEADER_BYTES, 2)
  frame.writeUInt16LE(segmentBytes, 4)
  frame.writeUInt16LE(IPV4_HEADER_BYTES, 6)
  frame.writeUInt16LE(16, 8)
  const tcp = VIRTIO_NET_HEADER_BYTES + IPV4_HEADER_BYTES
  frame.writeUInt16BE(40_000, tcp)
  frame.writeUInt16BE(5201, tcp + 2)
  frame[tcp + 12] = (TCP_HEADER_BYTES / 4) << 4
  frame[tcp + 13] = 0x10
  return frame
}

/** A virtio-net header, all zero, and a UDP packet without a checksum. */
export function udpPacket(payloadBytes: number): Buffer {
  const frame = ipv4Frame(IPV4_HEADER_BYTES + UDP_HEADER_BYTES + payloadBytes, IPPROTO_UDP)
  const udp = VIRTIO_NET_HEADER_BYTES + IPV4_HEADER_BYTES
  frame.writeUInt16BE(40_000, udp)
  frame.writeUInt16BE(5201, udp + 2)
  frame.writeUInt16BE(UDP_HEADER_BYTES + payloadBytes, udp + 4)
  return frame
}

function ipv4Frame(packetBytes: number, protocol: number): Buffer {
  const frame = Buffer.alloc(VIRTIO_NET_HEADER_BYTES + packetBytes)
  const ip = VIRTIO_NET_HEADER_BYTES
  frame[ip] = 0x45
  frame.writeUInt16BE(packetBytes, ip + 2)
  frame.writeUInt16BE(0x4000, ip + 6)
  frame[ip + 8] = 64
  frame[ip + 9] = protocol
  frame.set(SAMPLE_SOURCE.split('.').map(Number), ip + 12)
  frame.set(SAMPLE_DESTINATION.split('.').map(Number), ip + 16)
  frame.writeUInt16BE(headerChecksum(frame.subarray(ip, ip + IPV4_HEADER_BYTES)), ip + 10)
  return frame
}

/** RFC 1071, over a header whose checksum field is still zero. */
function headerChecksum(header: Buffer): number {
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at)
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff
}
