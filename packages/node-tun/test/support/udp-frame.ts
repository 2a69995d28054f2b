// UDP packets behind an all-zero virtio-net header, between the host (…1) and a far end (…2) that a test plays itself.
import { TUN_HEADER_BYTES } from '@reversed-vpn/node-tun/testing'

export type Family = 4 | 6
export const FAMILIES: readonly Family[] = [4, 6]

export const HOST_ADDRESS = { 4: '10.99.0.1', 6: 'fd99::1' } as const
export const FAR_ADDRESS = { 4: '10.99.0.2', 6: 'fd99::2' } as const
export const HOST_PORT = 7001
/** Flow n goes to this port plus n. */
export const FAR_PORT = 7100

const ADDRESS_BYTES = {
  4: (end: number): Buffer => Buffer.from([10, 99, 0, end]),
  6: (end: number): Buffer =>
    Buffer.concat([Buffer.from([0xfd, 0x99]), Buffer.alloc(13), Buffer.from([end])]),
} as const

export interface UdpFrame {
  readonly family: Family
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: string
}

/** What the far end sends to the host. */
export function frameToHost(family: Family, payload: string): Uint8Array {
  return buildFrame({ family, sourcePort: FAR_PORT, destinationPort: HOST_PORT, payload }, 2, 1)
}

/** What the host sends to the far end. */
export function frameToFarEnd(family: Family, flow: number, payload: string): Uint8Array {
  return buildFrame({ family, sourcePort: HOST_PORT, destinationPort: FAR_PORT + flow, payload }, 1, 2)
}

/** The frame's UDP part, or undefined when it carries something else (the kernel sends router solicitations of its own). */
export function parseFrame(frame: Uint8Array): UdpFrame | undefined {
  const packet = Buffer.from(frame.buffer, frame.byteOffset, frame.length).subarray(TUN_HEADER_BYTES)
  const family = packet.readUInt8(0) >> 4
  if (family !== 4 && family !== 6) return undefined
  if (packet.readUInt8(family === 4 ? 9 : 6) !== 17) return undefined
  const udp = packet.subarray(family === 4 ? 20 : 40)
  const payload = udp.subarray(8).toString()
  return { family, sourcePort: udp.readUInt16BE(0), destinationPort: udp.readUInt16BE(2), payload }
}

function buildFrame(frame: UdpFrame, from: number, to: number): Uint8Array {
  const addresses = Buffer.concat([ADDRESS_BYTES[frame.family](from), ADDRESS_BYTES[frame.family](to)])
  const udp = buildUdp(frame, addresses)
  const ip = frame.family === 4 ? buildIpv4(udp.length, addresses) : buildIpv6(udp.length, addresses)
  return new Uint8Array(Buffer.concat([Buffer.alloc(TUN_HEADER_BYTES), ip, udp]))
}

function buildIpv4(payloadBytes: number, addresses: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0]), addresses])
  header.writeUInt16BE(20 + payloadBytes, 2)
  header.writeUInt16BE(internetChecksum(header), 10)
  return header
}

function buildIpv6(payloadBytes: number, addresses: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from([0x60, 0, 0, 0, 0, 0, 17, 64]), addresses])
  header.writeUInt16BE(payloadBytes, 4)
  return header
}

function buildUdp({ sourcePort, destinationPort, payload }: UdpFrame, addresses: Buffer): Buffer {
  const udp = Buffer.concat([Buffer.alloc(8), Buffer.from(payload)])
  udp.writeUInt16BE(sourcePort, 0)
  udp.writeUInt16BE(destinationPort, 2)
  udp.writeUInt16BE(udp.length, 4)
  const pseudoHeader = Buffer.concat([addresses, Buffer.from([0, 17, udp.length >> 8, udp.length & 0xff])])
  udp.writeUInt16BE(internetChecksum(Buffer.concat([pseudoHeader, udp])) || 0xffff, 6)
  return udp
}

/** RFC 1071. */
function internetChecksum(bytes: Buffer): number {
  let sum = 0
  for (let index = 0; index < bytes.length; index += 2) {
    sum += bytes.readUInt8(index) * 256 + (index + 1 < bytes.length ? bytes.readUInt8(index + 1) : 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
