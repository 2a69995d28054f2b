import assert from 'node:assert/strict'
import { CidrSet } from '@reversed-vpn/ip'
import {
  DROP_REASONS,
  finishInSoftware,
  isOffloadReason,
  type OffloadKind,
  PACKET_PREFIX_BYTES,
  PacketChecker,
} from '@reversed-vpn/protocol'
import type { FuzzTarget } from '../fuzz-target.js'
import { complaintsAbout, ORACLE_NETWORKS, type OraclePolicy } from '../packet-oracle.js'
import {
  extended6,
  frameOf,
  icmp4,
  icmp6,
  POD4,
  POD6,
  SEED4,
  SEED6,
  tcp4,
  tcp6,
  udp4,
  udp6,
} from '../sample-packets.js'

const KINDS: readonly OffloadKind[] = ['checksum', 'tso4', 'tso6']
const MTUS = [1500, 576, 9000, 65_535]

interface Setting {
  readonly policy: OraclePolicy
  readonly checker: PacketChecker
}

/** By the first byte of an input: three bits say what is accepted, the two behind the next one the MTU. */
const SETTINGS: readonly Setting[] = Array.from({ length: 64 }, (_, bits) => {
  const accepts = KINDS.filter((_, index) => (bits & (1 << index)) !== 0)
  const mtu = MTUS[bits >> 4] ?? 1500
  const checker = new PacketChecker({
    sources: CidrSet.of(ORACLE_NETWORKS.sources),
    destinations: CidrSet.of(ORACLE_NETWORKS.destinations),
    refused: CidrSet.of(ORACLE_NETWORKS.refused),
    accepts,
    mtu,
  })
  return { policy: { accepts, mtu }, checker }
})

/** Bytes around the frame that must not be looked at, and which would be taken for a header. */
const BEFORE = 3
const AROUND = 0x45

interface Verdict {
  readonly verdict: number
  readonly header: Buffer
}

function judge({ checker }: Setting, frame: Uint8Array, availableBytes = frame.length): Verdict {
  const bytes = Buffer.alloc(BEFORE + availableBytes + 5, AROUND)
  bytes.set(frame.subarray(0, availableBytes), BEFORE)
  const before = Buffer.from(bytes)
  const verdict = checker.check(bytes, BEFORE, availableBytes, frame.length)
  assert.ok(DROP_REASONS[verdict] !== undefined, `verdict ${verdict}`)
  const header = Buffer.from(bytes.subarray(BEFORE, BEFORE + 10))
  if (verdict === 0) before.set(header, BEFORE)
  assert.ok(bytes.equals(before), 'wrote something else than the header of a packet that passed')
  return { verdict, header }
}

function fuzz(input: Buffer): void {
  const setting = SETTINGS[(input[0] ?? 0) % SETTINGS.length] as Setting
  // Inputs are short, GSO packets are not: zeros behind the packet, 256 B for each count of the second byte.
  const frame = Buffer.concat([input.subarray(2), Buffer.alloc((input[1] ?? 0) * 256)])
  const whole = judge(setting, frame)
  const prefix = judge(setting, frame, Math.min(frame.length, 10 + PACKET_PREFIX_BYTES))
  assert.deepEqual(prefix, whole, 'the verdict depends on how much of the packet is in one piece')
  if (whole.verdict === 0) checkPassed(setting, frame, whole.header)
  else if (isOffloadReason(whole.verdict)) checkFinished(setting, frame)
}

function checkPassed(setting: Setting, frame: Buffer, header: Buffer): void {
  const packet = viewOf(frame.subarray(10))
  assert.deepEqual(complaintsAbout(packet, viewOf(header), setting.policy), [])
  const again = judge(setting, Buffer.concat([header, frame.subarray(10)]))
  assert.deepEqual(again, { verdict: 0, header }, 'what one side has made, the other refuses or changes')
}

/** A sender finishes what the receiver would refuse for its offload: no segment of that may be refused for its offload again. */
function checkFinished(setting: Setting, frame: Buffer): void {
  for (const packet of finishInSoftware(frame)) {
    const plain = Buffer.concat([Buffer.alloc(10), packet])
    const { verdict, header } = judge(setting, plain)
    assert.ok(!isOffloadReason(verdict), `a finished packet: ${DROP_REASONS[verdict]}`)
    if (verdict === 0) assert.deepEqual(complaintsAbout(viewOf(packet), viewOf(header), setting.policy), [])
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const TCP4 = { flags: 1, checksumStart: 20, checksumOffset: 16 }
const UDP4 = { flags: 1, checksumStart: 20, checksumOffset: 6 }
const TCP6 = { flags: 1, checksumStart: 40, checksumOffset: 16 }
const UDP6 = { flags: 1, checksumStart: 40, checksumOffset: 6 }

function seeds(): Record<string, Uint8Array> {
  const whole = (frame: Buffer, setting = 0x0f, padding = 0) =>
    Buffer.concat([Buffer.from([setting, padding]), frame])
  const long = 10 * 256
  // The zeros are added by the target: what is written is the frame without them.
  const cut = (frame: Buffer, setting = 0x0f) => whole(frame.subarray(0, frame.length - long), setting, 10)
  const super4 = tcp4({ payloadBytes: long })
  const super6 = tcp6({ payloadBytes: long })
  const dgram4 = udp4({ payloadBytes: long })
  const dgram6 = udp6({ payloadBytes: long })
  const quoted4 = udp4({ source: POD4, destination: SEED4 })
  const quoted6 = tcp6({ source: POD6, destination: SEED6 })
  return {
    'tcp4-plain': whole(frameOf(tcp4({ payloadBytes: 8 }))),
    'tcp4-checksum': whole(frameOf(tcp4(), TCP4)),
    'tcp4-gso': cut(frameOf(super4, { ...TCP4, gsoType: 1, headerBytes: 40, gsoSize: 1448 })),
    'tcp4-gso-ecn': cut(frameOf(super4, { ...TCP4, gsoType: 0x81, headerBytes: 40, gsoSize: 1448 })),
    'tcp4-gso-tiny': cut(frameOf(super4, { ...TCP4, gsoType: 1, headerBytes: 40, gsoSize: 200 })),
    'tcp4-gso-not-accepted': cut(
      frameOf(super4, { ...TCP4, gsoType: 1, headerBytes: 40, gsoSize: 1000 }),
      0x05,
    ),
    'tcp4-gso-one-segment': whole(
      frameOf(tcp4({ payloadBytes: 300 }), { ...TCP4, gsoType: 1, gsoSize: 1000 }),
    ),
    'tcp6-gso': cut(frameOf(super6, { ...TCP6, gsoType: 4, headerBytes: 60, gsoSize: 1428 })),
    'udp4-gso': cut(frameOf(dgram4, { ...UDP4, gsoType: 5, headerBytes: 28, gsoSize: 1200 })),
    'udp6-gso': cut(frameOf(dgram6, { ...UDP6, gsoType: 5, headerBytes: 48, gsoSize: 1200 })),
    'udp4-checksum-not-accepted': whole(frameOf(udp4({ payloadBytes: 5 }), UDP4), 0x00),
    'udp4-of-a-tunnel': whole(
      frameOf(udp4({ payloadBytes: 60 }), { flags: 1, checksumStart: 48, checksumOffset: 6 }),
    ),
    'ip4-options': whole(frameOf(tcp4({ options: '94040000' }))),
    'ip4-source-route': whole(frameOf(tcp4({ options: '8307040a00000100' }))),
    'ip4-first-fragment': whole(frameOf(udp4({ payloadBytes: 24, fragment: 0x2000 }))),
    'ip4-later-fragment': whole(frameOf(udp4({ payloadBytes: 24, fragment: 0x0003 }))),
    'ip6-fragment': whole(frameOf(extended6(44, '0600000100000007', tcp6().subarray(40)))),
    'ip6-options': whole(frameOf(extended6(0, '3c000104000000001100010400000000', udp6().subarray(40)))),
    'ip6-authenticated': whole(
      frameOf(extended6(51, '0604000000000001000000010000000000000000', tcp6().subarray(40))),
    ),
    'ip6-routing': whole(frameOf(extended6(43, '0600000000000000', tcp6().subarray(40)))),
    'ip4-other-protocol': whole(frameOf(tcp4().fill(132, 9, 10))),
    'icmp4-echo': whole(frameOf(icmp4(8))),
    'icmp4-unreachable': whole(frameOf(icmp4(3, quoted4, { source: '172.16.0.9' }))),
    'icmp4-shortest-quote': whole(frameOf(icmp4(3, quoted4.subarray(0, 28)))),
    'icmp4-quote-too-short': whole(frameOf(icmp4(3, quoted4.subarray(0, 27)))),
    'icmp6-quote-too-short': whole(frameOf(icmp6(3, quoted6.subarray(0, 47)))),
    'icmp4-redirect': whole(frameOf(icmp4(5, quoted4))),
    'icmp4-from-loopback': whole(frameOf(icmp4(11, quoted4, { source: '127.0.0.1' }))),
    'icmp6-echo': whole(frameOf(icmp6(128))),
    'icmp6-too-big': whole(frameOf(icmp6(2, quoted6, { source: '20010db8000900000000000000000001' }))),
    'icmp6-neighbour': whole(frameOf(icmp6(135))),
    'refused-destination': whole(frameOf(tcp4({ destination: '10.255.1.1' }))),
    'longer-than-the-mtu': cut(frameOf(super4)),
    'jumbo-mtu': cut(frameOf(super4, TCP4), 0x2f),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
