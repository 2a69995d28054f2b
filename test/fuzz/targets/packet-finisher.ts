import assert from 'node:assert/strict'
import { finishInSoftware } from '@reversed-vpn/protocol'
import type { FuzzTarget } from '../fuzz-target.js'
import { partsOf } from '../packet-oracle.js'
import { extended6, frameOf, sumOf, tcp4, tcp6, udp4, udp6 } from '../sample-packets.js'

const NEEDS_CHECKSUM = 1
const TCP = 6

/** The first byte adds that many times 64 zeros to the frame that follows it. */
function fuzz(input: Buffer): void {
  const frame = Buffer.concat([input.subarray(1), Buffer.alloc((input[0] ?? 0) * 64)])
  const before = Buffer.from(frame)
  const packets = finishInSoftware(frame)
  assert.ok(frame.equals(before), 'the frame was changed')
  if (packets.length === 0) return
  const packet = frame.subarray(10)
  for (const each of packets) assert.deepEqual(partsOf(viewOf(each)).complaints, [])
  const gsoKind = frame.readUInt8(1) & 0x7f
  if (gsoKind !== 0) checkSegments(packet, packets, frame.readUInt16LE(4))
  else if ((frame.readUInt8(0) & NEEDS_CHECKSUM) === 0) assert.deepEqual(packets.map(hex), [hex(packet)])
  else checkCompleted(packet, packets, frame.readUInt16LE(6), frame.readUInt16LE(8))
}

/** Every segment is right in itself, and all together say what the GSO packet said. */
function checkSegments(packet: Buffer, packets: readonly Uint8Array[], gsoSize: number): void {
  const { l4, protocol, version } = partsOf(viewOf(packet))
  const headerBytes = l4 + (protocol === TCP ? (packet.readUInt8(l4 + 12) >> 4) * 4 : 8)
  const payload = packet.subarray(headerBytes)
  assert.equal(packets.length, Math.max(1, Math.ceil(payload.length / gsoSize)))
  assert.ok(
    Buffer.concat(packets.map((each) => each.subarray(headerBytes))).equals(payload),
    'another payload',
  )
  for (const [index, each] of packets.entries()) {
    const segment = Buffer.from(each)
    const isLast = index === packets.length - 1
    if (!isLast) assert.equal(segment.length - headerBytes, gsoSize)
    if (version === 4) assert.equal(sumOf(segment, 0, l4), 0xffff, 'checksum of the IPv4 header')
    const addresses = version === 4 ? segment.subarray(12, 20) : segment.subarray(8, 40)
    const pseudo = Buffer.alloc(4)
    pseudo.writeUInt16BE(segment.length - l4, 0)
    pseudo.writeUInt16BE(protocol, 2)
    const summed = Buffer.concat([addresses, pseudo, segment.subarray(l4)])
    assert.equal(sumOf(summed), 0xffff, `checksum of segment ${index}`)
    if (protocol === TCP) {
      const sequence = (packet.readUInt32BE(l4 + 4) + index * gsoSize) % 2 ** 32
      assert.equal(segment.readUInt32BE(l4 + 4), sequence)
      const kept = 0x76 | (index === 0 ? 0x80 : 0) | (isLast ? 0x09 : 0)
      assert.equal(segment.readUInt8(l4 + 13), packet.readUInt8(l4 + 13) & kept)
    } else {
      assert.equal(segment.readUInt16BE(l4 + 4), segment.length - l4)
    }
  }
}

/** Nothing but the checksum is written, and it is that of all from `start` on, what its field held included. */
function checkCompleted(packet: Buffer, packets: readonly Uint8Array[], start: number, offset: number): void {
  const field = start + offset
  const expected = Buffer.from(packet)
  const checksum = ~sumOf(packet, start) & 0xffff
  expected.writeUInt16BE(checksum === 0 ? 0xffff : checksum, field)
  assert.deepEqual(packets.map(hex), [hex(expected)])
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function seeds(): Record<string, Uint8Array> {
  const whole = (frame: Buffer, padding = 0) => Buffer.concat([Buffer.from([padding]), frame])
  const cut = (frame: Buffer) => whole(frame.subarray(0, frame.length - 640), 10)
  const payloadBytes = 1000
  const gso = (l4: number, gsoType: number, gsoSize: number, checksumOffset: number) => {
    return { flags: 1, gsoType, gsoSize, checksumStart: l4, checksumOffset }
  }
  const inner = frameOf(udp4({ payloadBytes: 60 }), { flags: 1, checksumStart: 48, checksumOffset: 6 })
  return {
    'tcp4-segments': cut(frameOf(tcp4({ payloadBytes }), gso(20, 1, 100, 16))),
    'tcp4-segments-with-ecn': cut(frameOf(tcp4({ payloadBytes }), gso(20, 0x81, 333, 16))),
    'tcp4-segments-of-a-byte': whole(frameOf(tcp4({ payloadBytes: 9 }), gso(20, 1, 1, 16))),
    'tcp4-options': cut(frameOf(tcp4({ payloadBytes, options: '01010101' }), gso(24, 1, 500, 16))),
    'tcp6-segments': cut(frameOf(tcp6({ payloadBytes }), gso(40, 4, 200, 16))),
    'udp4-segments': cut(frameOf(udp4({ payloadBytes }), gso(20, 5, 100, 6))),
    'udp6-segments': cut(frameOf(udp6({ payloadBytes }), gso(40, 5, 99, 6))),
    'udp6-behind-options': whole(
      frameOf(extended6(60, '1100010400000000', udp6({ payloadBytes: 50 }).subarray(40)), gso(48, 5, 20, 6)),
    ),
    'tcp4-checksum': whole(
      frameOf(tcp4({ payloadBytes: 7 }), { flags: 1, checksumStart: 20, checksumOffset: 16 }),
    ),
    'checksum-inside-a-tunnel': whole(inner),
    'nothing-to-do': whole(frameOf(tcp4({ payloadBytes: 3 }))),
    fragment: whole(frameOf(udp4({ payloadBytes: 24, fragment: 0x2000 }), { flags: 1, checksumStart: 20 })),
    'no-segment-size': whole(frameOf(tcp4({ payloadBytes: 24 }), gso(20, 1, 0, 16))),
    'another-start': whole(frameOf(tcp4({ payloadBytes: 24 }), gso(24, 1, 8, 16))),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
