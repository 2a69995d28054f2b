import type { DropReason } from '@reversed-vpn/protocol/testing'
import {
  extended6,
  frameOf,
  icmp4,
  icmp6,
  ip4,
  type SampleVirtioHeader,
  tcp4,
  udp4,
  udp6,
} from '../../fuzz/sample-packets.js'

/** Why the receiver drops a packet, the packet, and the header that goes before it where that is what is wrong. */
type Flaw = readonly [reason: DropReason, packet: Buffer, virtioHeader?: SampleVirtioHeader]

/** A DATA payload, and why its receiver drops it. */
interface FlawedPacket {
  readonly reason: DropReason
  readonly payload: Buffer
}

/** The ends of a packet that would be fine. IPv6 addresses as 32 hexadecimal digits. */
interface Ends {
  readonly source: string
  readonly destination: string
  readonly source6: string
  readonly destination6: string
}

const STRANGER = '203.0.113.99'
const STRANGER6 = '20010db8009900000000000000000099'
/** An extension header of 8 bytes, all padding, in hex; it begins with the next header. */
const padding = (next: number) => `${next.toString(16).padStart(2, '0')}00010400000000`
const UDP = 17
const TCP = 6
const DESTINATION_OPTIONS = 60
const ROUTING = 43
const UDP_HEADER = Buffer.from('03e9003500080000', 'hex')
const UNREACHABLE = 3
const REDIRECT = 5
const NEIGHBOR_ADVERTISEMENT = 136
/** The checksum left to the receiver, as it should be. */
const TCP_SUM: SampleVirtioHeader = { flags: 1, checksumStart: 20, checksumOffset: 16 }
const UDP_SUM: SampleVirtioHeader = { flags: 1, checksumStart: 20, checksumOffset: 6 }

/** One packet for each way to be wrong in either direction, all else about it right. */
export function flawedPackets(ends: Ends): FlawedPacket[] {
  const { source, destination, source6, destination6 } = ends
  const four = { source, destination }
  const six = { source: source6, destination: destination6 }
  const ipv6 = (firstHeader: number, extensions: string) => {
    const packet = extended6(firstHeader, extensions, UDP_HEADER)
    packet.set(Buffer.from(source6 + destination6, 'hex'), 8)
    return packet
  }
  const answered = udp4({ source: destination, destination: source })
  const flaws: readonly Flaw[] = [
    ['source', udp4({ ...four, source: STRANGER })],
    ['source', udp6({ ...six, source: STRANGER6 })],
    // From the other end of the tunnel, which is where it goes.
    ['source', udp4({ ...four, source: destination })],
    ['destination', udp4({ ...four, destination: STRANGER })],
    ['destination', udp6({ ...six, destination: STRANGER6 })],
    ['ip-version', changed(udp4(four), 0, 0x55)],
    ['ipv4-header', changed(udp4(four), 0, 0x44)],
    ['ip-length', changed(udp4(four), 3, 0xff)],
    ['source-route', udp4({ ...four, options: '830704c633640900' })],
    ['source-route', udp4({ ...four, options: '890704c633640900' })],
    ['routing-header', ipv6(ROUTING, padding(UDP))],
    ['extension-headers', ipv6(DESTINATION_OPTIONS, padding(DESTINATION_OPTIONS).repeat(8) + padding(UDP))],
    ['headers-too-long', ipv6(DESTINATION_OPTIONS, `111f01fd${'00'.repeat(252)}`)],
    ['truncated', changed(tcp4(four), 32, 0x40)],
    ['fragment-tiny', ip4(TCP, Buffer.alloc(8), { ...four, fragment: 0x2000 })],
    ['fragment-overlap', ip4(TCP, Buffer.alloc(16), { ...four, fragment: 1 })],
    ['icmp-type', icmp4(REDIRECT, Buffer.alloc(24), four)],
    ['icmpv6-type', icmp6(NEIGHBOR_ADVERTISEMENT, Buffer.alloc(16), six)],
    ['icmp-quote', icmp4(UNREACHABLE, Buffer.alloc(0), four)],
    ['icmp-quote', icmp4(UNREACHABLE, udp4({ source: STRANGER, destination: source }), four)],
    ['icmp-quote', icmp4(UNREACHABLE, udp4({ source: destination, destination: STRANGER }), four)],
    ['icmp-source', icmp4(UNREACHABLE, answered, { ...four, source: '127.0.0.1' })],
    ['icmp-source', icmp4(UNREACHABLE, answered, { ...four, source: '224.0.0.1' })],
    ['exceeds-mtu', udp4({ ...four, payloadBytes: 1600 })],
    ['exceeds-mtu', tcp4({ ...four, payloadBytes: 4000 }), { ...TCP_SUM, gsoType: 1, gsoSize: 3000 }],
    ['offload-flags', udp4(four), { flags: 4 }],
    ['offload-fragment', ip4(UDP, Buffer.alloc(64), { ...four, fragment: 0x2000 }), UDP_SUM],
    ['checksum-fields', udp4(four), { ...UDP_SUM, checksumStart: 0 }],
    ['checksum-fields', udp4(four), { ...UDP_SUM, checksumOffset: 60_000 }],
    ['gso-without-checksum', tcp4(four), { gsoType: 1, gsoSize: 1000 }],
    ['gso-type', tcp4(four), { ...TCP_SUM, gsoType: 4, gsoSize: 1000 }],
    ['gso-type', tcp4(four), { ...TCP_SUM, gsoType: 99, gsoSize: 1000 }],
    ['gso-size', tcp4({ ...four, payloadBytes: 4000 }), { ...TCP_SUM, gsoType: 1, gsoSize: 1 }],
    ['offload-not-accepted', udp4({ ...four, payloadBytes: 1200 }), { ...UDP_SUM, gsoType: 5, gsoSize: 600 }],
  ]
  return flaws.map(([reason, packet, header]) => {
    return { reason, payload: frameOf(packet, header) }
  })
}

/** How many packets there are for each reason. */
export function countReasons(packets: readonly FlawedPacket[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { reason } of packets) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return counts
}

function changed(packet: Buffer, at: number, byte: number): Buffer {
  packet[at] = byte
  return packet
}
