import assert from 'node:assert/strict'
import { CidrSet } from '@reversed-vpn/ip'
import { PacketChecker, UdpCoalescer } from '@reversed-vpn/protocol'
import type { FuzzTarget } from '../fuzz-target.js'
import { complaintsAbout, ORACLE_NETWORKS, type OraclePolicy } from '../packet-oracle.js'
import { frameOf, sumOf, udp4, udp6 } from '../sample-packets.js'

const POLICY: OraclePolicy = { accepts: ['checksum', 'uso'], mtu: 1500 }
const checker = new PacketChecker({
  sources: CidrSet.of(ORACLE_NETWORKS.sources),
  destinations: CidrSet.of(ORACLE_NETWORKS.destinations),
  refused: CidrSet.of(ORACLE_NETWORKS.refused),
  accepts: ['checksum'],
  mtu: POLICY.mtu,
})

/** What stands for a datagram in an input. The last two put another byte somewhere into its frame, if the second is not 0. */
const RECORD_BYTES = 6
const MAX_RECORDS = 200

/** Kinds of datagrams, by the first byte of their record. */
const KIND = { ipv6: 1, mayBeFragmented: 2, otherFlow: 4, plain: 8, otherTimeToLive: 16 } as const

function datagram(record: Buffer): Buffer {
  const kind = record.readUInt8(0)
  const isIpv6 = (kind & KIND.ipv6) !== 0
  const given = {
    payloadBytes: record.readUInt8(1) * 6,
    identification: (0xfff0 + record.readUInt8(2)) & 0xffff,
    fragment: (kind & KIND.mayBeFragmented) === 0 ? 0x4000 : 0,
    timeToLive: (kind & KIND.otherTimeToLive) === 0 ? 64 : 63,
  }
  const packet = isIpv6 ? udp6(given) : udp4(given)
  const l4 = isIpv6 ? 40 : 20
  packet.fill(record.readUInt8(3), l4 + 8)
  if ((kind & KIND.otherFlow) !== 0) packet.writeUInt16BE(1025, l4)
  packet.writeUInt16BE(pseudoSumOf(packet, l4), l4 + 6)
  const isPlain = (kind & KIND.plain) !== 0
  const frame = frameOf(packet, isPlain ? {} : { flags: 1, checksumStart: l4, checksumOffset: 6 })
  const [at, byte] = [record.readUInt8(4), record.readUInt8(5)]
  if (byte !== 0 && at < frame.length) frame[at] = byte
  return frame
}

function pseudoSumOf(packet: Buffer, l4: number): number {
  const addresses = l4 === 20 ? packet.subarray(12, 20) : packet.subarray(8, 40)
  const rest = Buffer.from([0, 17, 0, 0])
  rest.writeUInt16BE(packet.length - l4, 2)
  return sumOf(Buffer.concat([addresses, rest]))
}

function fuzz(input: Buffer): void {
  const coalescer = new UdpCoalescer()
  const given: Buffer[] = []
  const written: Buffer[][] = []
  for (let at = 0; at + RECORD_BYTES <= input.length && given.length < MAX_RECORDS; at += RECORD_BYTES) {
    // Somewhere in its memory, as frames of a stream are, and checked in place, as a lane's receiver does.
    const frame = datagram(input.subarray(at, at + RECORD_BYTES))
    const chunk = Buffer.concat([Buffer.alloc(3), frame])
    if (checker.check(chunk, 3, frame.length, frame.length) !== 0) continue
    given.push(Buffer.from(chunk.subarray(3)))
    const leftOut = coalescer.add(chunk, 3, frame.length)
    const rest = chunk.subarray(3 + leftOut)
    if (leftOut > 0) (written.at(-1) as Buffer[]).push(rest)
    else written.push([rest])
  }
  coalescer.end()
  const frames = written.map((pieces) => Buffer.concat(pieces))
  for (const frame of frames) checkLegal(frame)
  assert.deepEqual(frames.flatMap(segmentsOf).map(asSent), given.flatMap(segmentsOf).map(asSent))
}

function checkLegal(frame: Buffer): void {
  const view = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  assert.deepEqual(
    complaintsAbout(view(frame.subarray(10)), view(frame.subarray(0, 10)), POLICY_OF_A_DEVICE),
    [],
  )
}

/** Other than a peer's frames, what is joined here goes to the device, which takes segments of any size. */
const POLICY_OF_A_DEVICE = { ...POLICY, leastGsoSize: 1 }

/** The datagrams of a frame, cut as the kernel does it and complete with their checksums. */
function segmentsOf(frame: Buffer): Buffer[] {
  const packet = frame.subarray(10)
  if (frame.readUInt8(0) === 0) return [packet]
  const [gsoType, gsoSize, l4] = [frame.readUInt8(1), frame.readUInt16LE(4), frame.readUInt16LE(6)]
  const field = l4 + frame.readUInt16LE(8)
  if (gsoType === 0) return [completed(packet, l4, field)]
  const headers = packet.subarray(0, l4 + 8)
  const payload = packet.subarray(l4 + 8)
  return Array.from({ length: Math.ceil(payload.length / gsoSize) }, (_, index) => {
    const segment = Buffer.concat([headers, payload.subarray(index * gsoSize, (index + 1) * gsoSize)])
    segment.writeUInt16BE(segment.length - l4, l4 + 4)
    if (l4 === 20) {
      segment.writeUInt16BE(segment.length, 2)
      segment.writeUInt16BE((packet.readUInt16BE(4) + index) & 0xffff, 4)
      segment.writeUInt16BE(0, 10)
      segment.writeUInt16BE(~sumOf(segment, 0, 20) & 0xffff, 10)
    } else {
      segment.writeUInt16BE(segment.length - 40, 4)
    }
    segment.writeUInt16BE(withLength(packet, l4, segment.length - l4), l4 + 6)
    return completed(segment, l4, l4 + 6)
  })
}

/** The sum of the pseudo-header for another length, by what stands there: a wrong one stays as wrong as it is, as in the kernel. */
function withLength(packet: Buffer, l4: number, udpBytes: number): number {
  const terms = Buffer.alloc(6)
  terms.writeUInt16BE(packet.readUInt16BE(l4 + 6), 0)
  terms.writeUInt16BE(~packet.readUInt16BE(l4 + 4) & 0xffff, 2)
  terms.writeUInt16BE(udpBytes, 4)
  return sumOf(terms)
}

function completed(packet: Buffer, l4: number, field: number): Buffer {
  const copy = Buffer.from(packet)
  const checksum = ~sumOf(packet, l4) & 0xffff
  copy.writeUInt16BE(checksum === 0 ? 0xffff : checksum, field)
  return copy
}

/** Without what means nothing in a packet that must not be fragmented: its identification (RFC 6864 §4.1), and the checksum with it. */
function asSent(packet: Buffer): string {
  const copy = Buffer.from(packet)
  if (copy.readUInt8(0) >> 4 === 4 && (copy.readUInt16BE(6) & 0x4000) !== 0) {
    copy.writeUInt16BE(0, 4)
    copy.writeUInt16BE(0, 10)
  }
  return copy.toString('hex')
}

function seeds(): Record<string, Uint8Array> {
  const of = (...records: readonly number[][]) => Buffer.from(records.flat())
  const record = (kind: number, length: number, identification = 0, fill = 0xa5, at = 0, byte = 0) => [
    ...[kind, length, identification, fill, at, byte],
  ]
  const repeated = (count: number, kind: number, length: number) =>
    Array.from({ length: count }, (_, index) => record(kind, length, index, index & 0xff))
  return {
    'one-flow': of(...repeated(5, 0, 4)),
    'one-flow-ipv6': of(...repeated(5, KIND.ipv6, 4)),
    'counting-identifications': of(...repeated(20, KIND.mayBeFragmented, 3)),
    'identifications-apart': of(record(2, 4, 1), record(2, 4, 3), record(2, 4, 4)),
    'two-flows-in-turn': of(...[0, 4, 0, 4, 0, 0].map((kind) => record(kind, 4))),
    'the-last-is-shorter': of(record(0, 9), record(0, 9), record(0, 2), record(0, 9)),
    'the-next-is-longer': of(record(1, 3), record(1, 3), record(1, 8), record(1, 8)),
    'more-than-64': of(...repeated(130, 0, 1)),
    'more-than-64-kib': of(...repeated(60, KIND.ipv6, 200)),
    'complete-checksums': of(...repeated(4, KIND.plain, 4)),
    'without-payload': of(...repeated(4, 0, 0)),
    'wrong-ipv4-checksum': of(record(0, 4), record(0, 4, 1, 0xa5, 20, 0xff), record(0, 4, 2)),
    'wrong-pseudo-sum': of(record(0, 4), record(0, 4, 1, 0xa5, 36, 0xff), record(0, 4, 2)),
    'wrong-udp-length': of(record(1, 4), record(1, 4, 1, 0xa5, 55, 0x10), record(1, 4, 2)),
    'another-time-to-live': of(
      record(0, 4),
      record(KIND.otherTimeToLive, 4),
      record(KIND.otherTimeToLive, 4),
    ),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
