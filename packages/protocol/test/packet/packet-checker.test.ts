import { CidrSet } from '@reversed-vpn/ip'
import { DROP_REASONS, PACKET_PREFIX_BYTES, PacketChecker } from '@reversed-vpn/protocol'
import { test } from 'tap'
import { hex, toHex } from '../hex.js'
import {
  checkCopy,
  dropped,
  frame,
  type Judgement,
  judge,
  NO_OFFLOAD,
  PASSES_PLAIN,
  TCP4_GSO,
  TCP4_PACKET,
  TCP6_PACKET,
  TO_POD4,
  TO_POD6,
  TO_SHOOT,
  UDP,
} from './packet-samples.js'

function udp4(addresses: string): string {
  return `4500 0020 0001 0000 4011 0000 ${addresses} ${UDP}`
}

function udp6(addresses: string): string {
  return `6000 0000 000c 1140 ${addresses} ${UDP}`
}

const CASES: readonly (readonly [title: string, packet: string, expected: Judgement])[] = [
  ['passes our source and destination', udp4(TO_POD4), PASSES_PLAIN],
  ['drops a source next to ours', udp4('c0a87b02 0a000105'), dropped('source')],
  ['drops one of our destinations as source', udp4('0a000105 0a000106'), dropped('source')],
  ['drops a destination beyond ours', udp4('c0a87b01 0b000105'), dropped('destination')],
  ['drops our own source as destination', udp4('c0a87b01 c0a87b01'), dropped('destination')],
  ['drops a refused address inside ours', udp4('c0a87b01 646464c8'), dropped('refused-destination')],
  ['drops a refused range inside ours', udp4('c0a87b01 0aff0001'), dropped('refused-destination')],
  ['passes the neighbour of a refused address', udp4('c0a87b01 646464c9'), PASSES_PLAIN],
  ['passes IPv6 from our source to our destination', udp6(TO_POD6), PASSES_PLAIN],
  [
    'drops an IPv6 source next to ours',
    udp6('fd8f6d53b97a00010000000000000002 20010db8000100000000000000000005'),
    dropped('source'),
  ],
  [
    'drops an IPv6 destination beyond ours',
    udp6('fd8f6d53b97a00010000000000000001 20010db8000200000000000000000005'),
    dropped('destination'),
  ],
  [
    'drops a refused IPv6 address inside ours',
    udp6('fd8f6d53b97a00010000000000000001 fd000ec2000000000000000000000254'),
    dropped('refused-destination'),
  ],
  [
    'passes the neighbour of a refused IPv6 address',
    udp6('fd8f6d53b97a00010000000000000001 fd000ec2000000000000000000000255'),
    PASSES_PLAIN,
  ],
  [
    'drops IPv4 addresses written as IPv6',
    udp6('00000000000000000000ffffc0a87b01 00000000000000000000ffff0a000105'),
    dropped('source'),
  ],
  ['drops IP version 0', TCP4_PACKET.replace('45', '05'), dropped('ip-version')],
  ['drops IP version 5', TCP4_PACKET.replace('45', '55'), dropped('ip-version')],
  ['drops IPv6 that says it is IPv4', TCP6_PACKET.replace('60', '40'), dropped('ipv4-header')],
]

for (const [title, packet, expected] of CASES) {
  test(`addresses: ${title}`, async (t) => {
    t.same(judge(frame(NO_OFFLOAD + packet)), expected)
  })
}

test('lets nothing through where a family has no addresses', async (t) => {
  const only6 = { sources: CidrSet.of(['::/0']), destinations: CidrSet.of(['::/0']) }
  t.equal(judge(frame(NO_OFFLOAD + TCP4_PACKET), only6).reason, 'source')
  const only4 = { sources: CidrSet.of(['0.0.0.0/0']), destinations: CidrSet.of(['0.0.0.0/0']) }
  t.equal(judge(frame(NO_OFFLOAD + TCP6_PACKET), only4).reason, 'source')
})

test('drops what is shorter than two headers and longer than a frame', async (t) => {
  const shortest = `4500 0014 0001 0000 4084 0000 ${TO_POD4}`
  t.same(judge(frame(NO_OFFLOAD + shortest)), PASSES_PLAIN)
  t.same(judge(frame(NO_OFFLOAD + shortest.slice(0, -2))), dropped('length'))
  t.same(judge(new Uint8Array(0)), dropped('length'))
  t.same(judge(new Uint8Array(10)), dropped('length'))
  const longest = (bytes: number) =>
    frame(`${TCP4_GSO} 4500 ffff 0001 4000 4006 0000 ${TO_POD4} 0400 0050 00000001 00000002 5010`, bytes)
  t.equal(judge(longest(65_545)).reason, 'passed')
  t.same(judge(longest(65_546)), dropped('length'))
})

test('needs no more than the prefix of a packet to be there', async (t) => {
  const whole = frame(
    `${TCP4_GSO} 4500 ffff 0001 4000 4006 0000 ${TO_POD4} 0400 0050 00000001 00000002 5010`,
    65_545,
  )
  const prefix = whole.slice(0, 10 + PACKET_PREFIX_BYTES)
  const verdict = new PacketChecker(TO_SHOOT).check(prefix, 0, prefix.length, whole.length)
  t.equal(DROP_REASONS[verdict], 'passed')
  t.equal(toHex(prefix.subarray(0, 10)), '01012800a80514001000')
})

test('other addresses count for the next packet', async (t) => {
  const checker = new PacketChecker(TO_SHOOT)
  const payload = frame(NO_OFFLOAD + udp4(TO_POD4))
  const check = () => DROP_REASONS[checker.check(payload, 0, payload.length, payload.length)]
  t.equal(check(), 'passed')
  checker.setAddresses({ ...TO_SHOOT, destinations: CidrSet.of(['172.16.0.0/12']) })
  t.equal(check(), 'destination')
  checker.setAddresses({ ...TO_SHOOT, refused: TO_SHOOT.destinations })
  t.equal(check(), 'refused-destination')
  checker.setAddresses({ ...TO_SHOOT, sources: CidrSet.of(['172.16.0.0/12']) })
  t.equal(check(), 'source')
  checker.setAddresses(TO_SHOOT)
  t.equal(check(), 'passed')
})

test('never looks beyond what is there', async (t) => {
  const payload = frame(NO_OFFLOAD + TCP4_PACKET)
  const checker = new PacketChecker(TO_SHOOT)
  for (let available = 0; available < payload.length; available++) {
    const { verdict } = checkCopy(checker, payload, available)
    t.equal(DROP_REASONS[verdict], available < 30 ? 'length' : 'headers-too-long', `${available} B`)
  }
})

test('does not read options that are not there', async (t) => {
  const payload = frame(
    `${NO_OFFLOAD} 4700 0028 0001 0000 4084 0000 ${TO_POD4} 83070408 08080800 00000000 00000000 00000000`,
  )
  const { verdict } = checkCopy(new PacketChecker(TO_SHOOT), payload, 30)
  t.equal(DROP_REASONS[verdict], 'headers-too-long')
})

test('writes the header over the very bytes it was read from', async (t) => {
  const payload = hex(`03 00 3412 dc05 1400 1000 ${TCP4_PACKET}`)
  const verdict = new PacketChecker(TO_SHOOT).check(payload, 0, payload.length, payload.length)
  t.equal(verdict, 0)
  t.equal(toHex(payload), `01000000000014001000${TCP4_PACKET.replaceAll(' ', '')}`)
})

test('keeps nothing of one packet for the next', async (t) => {
  const checker = new PacketChecker(TO_SHOOT)
  const reasonOf = (text: string) => DROP_REASONS[checkCopy(checker, frame(text)).verdict]
  const fragment = `${NO_OFFLOAD} 6000 0000 001c 2c40 ${TO_POD6} 1100 0008 00000007 ${UDP} 00000000 00000000`
  const error = `${NO_OFFLOAD} 4500 0038 0001 0000 4001 0000 ac100009 0a000105 0304 0000 00000578 4500 0028 0001 0000 4006 0000 0a000105 c0a87b01 0050 0400 00000001`
  const checksum4 = `01 00 0000 0000 1400 1000 ${TCP4_PACKET}`
  const checksum6 = `01 00 0000 0000 2800 1000 ${TCP6_PACKET}`
  for (const before of [fragment, error, checksum4, checksum6]) {
    for (const [text, expected] of [
      [checksum4, 'passed'],
      [checksum6, 'passed'],
      [NO_OFFLOAD + udp4('ac100009 0a000105'), 'source'],
      [NO_OFFLOAD + udp6('20010db8999900000000000000000001 20010db8000100000000000000000005'), 'source'],
    ] as const) {
      t.equal(reasonOf(before), 'passed')
      t.equal(reasonOf(text), expected)
    }
  }
})
