// Packets to the shoot and frames of them, built field by field for the corpora: nothing of what they are to test builds them.

export const SEED4 = '192.168.123.1'
export const POD4 = '10.0.0.5'
export const SEED6 = 'fd8f6d53b97a00010000000000000001'
export const POD6 = '20010db8000100000000000000000005'

interface SamplePacket {
  readonly payloadBytes?: number
  readonly source?: string
  readonly destination?: string
  readonly identification?: number
  /** Flags and offset of an IPv4 fragment. */
  readonly fragment?: number
  readonly timeToLive?: number
  /** IPv4 options, a multiple of four bytes in hex. */
  readonly options?: string
}

export function tcp4(given: SamplePacket = {}): Buffer {
  return ip4(6, Buffer.concat([tcpHeader(), payload(given)]), given)
}

export function udp4(given: SamplePacket = {}): Buffer {
  return ip4(17, udp(given), given)
}

export function tcp6(given: SamplePacket = {}): Buffer {
  return ip6(6, Buffer.concat([tcpHeader(), payload(given)]), given)
}

export function udp6(given: SamplePacket = {}): Buffer {
  return ip6(17, udp(given), given)
}

export function icmp4(type: number, rest: Uint8Array = Buffer.alloc(0), given: SamplePacket = {}): Buffer {
  return ip4(1, Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), rest]), given)
}

export function icmp6(type: number, rest: Uint8Array = Buffer.alloc(0), given: SamplePacket = {}): Buffer {
  return ip6(58, Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), rest]), given)
}

/** Extension headers in hex, the next-header fields of all but the last filled in by the caller. */
export function extended6(firstHeader: number, extensions: string, rest: Uint8Array): Buffer {
  return ip6(firstHeader, Buffer.concat([Buffer.from(extensions, 'hex'), rest]), {})
}

export function ip4(protocol: number, rest: Uint8Array, given: SamplePacket): Buffer {
  const options = Buffer.from(given.options ?? '', 'hex')
  const header = Buffer.alloc(20)
  const headerBytes = 20 + options.length
  header.writeUInt8(0x40 | (headerBytes / 4), 0)
  header.writeUInt16BE(headerBytes + rest.length, 2)
  header.writeUInt16BE(given.identification ?? 1, 4)
  header.writeUInt16BE(given.fragment ?? 0x4000, 6)
  header.writeUInt8(given.timeToLive ?? 64, 8)
  header.writeUInt8(protocol, 9)
  header.set((given.source ?? SEED4).split('.').map(Number), 12)
  header.set((given.destination ?? POD4).split('.').map(Number), 16)
  const whole = Buffer.concat([header, options])
  whole.writeUInt16BE(~sumOf(whole) & 0xffff, 10)
  return Buffer.concat([whole, rest])
}

function ip6(protocol: number, rest: Uint8Array, given: SamplePacket): Buffer {
  const header = Buffer.alloc(40)
  header.writeUInt8(0x60, 0)
  header.writeUInt16BE(rest.length, 4)
  header.writeUInt8(protocol, 6)
  header.writeUInt8(given.timeToLive ?? 64, 7)
  header.set(Buffer.from(given.source ?? SEED6, 'hex'), 8)
  header.set(Buffer.from(given.destination ?? POD6, 'hex'), 24)
  return Buffer.concat([header, rest])
}

function tcpHeader(): Buffer {
  return Buffer.from('0400005000000001000000025018020000000000', 'hex')
}

function udp(given: SamplePacket): Buffer {
  const header = Buffer.from('0400005000000000', 'hex')
  header.writeUInt16BE(8 + (given.payloadBytes ?? 0), 4)
  return Buffer.concat([header, payload(given)])
}

function payload({ payloadBytes = 0 }: SamplePacket): Buffer {
  return Buffer.alloc(payloadBytes, 0xa5)
}

export interface SampleVirtioHeader {
  readonly flags?: number
  readonly gsoType?: number
  readonly headerBytes?: number
  readonly gsoSize?: number
  readonly checksumStart?: number
  readonly checksumOffset?: number
}

/** A DATA payload: virtio-net header and packet. */
export function frameOf(packet: Uint8Array, given: SampleVirtioHeader = {}): Buffer {
  const header = Buffer.alloc(10)
  header.writeUInt8(given.flags ?? 0, 0)
  header.writeUInt8(given.gsoType ?? 0, 1)
  header.writeUInt16LE(given.headerBytes ?? 0, 2)
  header.writeUInt16LE(given.gsoSize ?? 0, 4)
  header.writeUInt16LE(given.checksumStart ?? 0, 6)
  header.writeUInt16LE(given.checksumOffset ?? 0, 8)
  return Buffer.concat([header, packet])
}

/** The Internet checksum's sum, not complemented (RFC 1071). */
export function sumOf(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let sum = 0
  for (let at = from; at < to; at++) sum += (bytes[at] ?? 0) * ((at - from) % 2 === 0 ? 256 : 1)
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000)
  return sum
}
