import type { OffloadKind } from '@reversed-vpn/protocol'
import { MIN_GSO_SIZE_BYTES, type PacketPolicy } from '@reversed-vpn/protocol/testing'
import { test } from 'tap'
import {
  dropped,
  ECHO4_PACKET,
  frame,
  type Judgement,
  judge,
  PASSES_PLAIN,
  TCP,
  TCP4_PACKET,
  TO_POD4,
  TO_POD6,
  UDP4_PACKET,
  UDP6_PACKET,
} from './packet-samples.js'

// GSO packets of 4000 and 4020 bytes; zeros follow what is written here.
const TCP4_SUPER = `4500 0fa0 0001 4000 4006 0000 ${TO_POD4} ${TCP}`
const TCP6_SUPER = `6000 0000 0f8c 0640 ${TO_POD6} ${TCP}`
const UDP4_SUPER = `4500 0fa0 0001 4000 4011 0000 ${TO_POD4} 0400 0050 0f8c 0000`
const UDP6_SUPER = `6000 0000 0f8c 1140 ${TO_POD6} 0400 0050 0f8c 0000`
const TCP4_SUPER_WITH_OPTIONS = `4600 0fa0 0001 4000 4006 0000 ${TO_POD4} 94040000 ${TCP.replace('5010', '8010')} 0101080a 00000001 00000002`
const TCP6_SUPER_WITH_OPTIONS = `6000 0000 0f8c 3c40 ${TO_POD6} 0600 0104 00000000 ${TCP}`
const SUPER4_BYTES = 10 + 4000
const SUPER6_BYTES = 10 + 40 + 0xf8c

function passes(header: string): Judgement {
  return { reason: 'passed', header: header.replaceAll(' ', '') }
}

// Fields of virtio-net headers: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset.
const PLAIN_CASES: readonly (readonly [title: string, payload: string, expected: Judgement])[] = [
  [
    'passes a partial TCP checksum',
    `01 00 0000 0000 1400 1000 ${TCP4_PACKET}`,
    passes('01 00 0000 0000 1400 1000'),
  ],
  [
    'passes a partial UDP checksum',
    `01 00 0000 0000 1400 0600 ${UDP4_PACKET}`,
    passes('01 00 0000 0000 1400 0600'),
  ],
  [
    'passes a partial UDP checksum over IPv6',
    `01 00 0000 0000 2800 0600 ${UDP6_PACKET}`,
    passes('01 00 0000 0000 2800 0600'),
  ],
  [
    'copies neither hdr_len nor gso_size without GSO',
    `01 00 3412 dc05 1400 1000 ${TCP4_PACKET}`,
    passes('01 00 0000 0000 1400 1000'),
  ],
  [
    'clears all fields where nothing is left undone',
    `00 00 3412 dc05 1400 1000 ${TCP4_PACKET}`,
    PASSES_PLAIN,
  ],
  ['clears DATA_VALID', `02 00 0000 0000 0000 0000 ${TCP4_PACKET}`, PASSES_PLAIN],
  [
    'clears DATA_VALID beside NEEDS_CSUM',
    `03 00 0000 0000 1400 1000 ${TCP4_PACKET}`,
    passes('01 00 0000 0000 1400 1000'),
  ],
  ['clears the ECN bit without GSO', `00 80 0000 0000 0000 0000 ${TCP4_PACKET}`, PASSES_PLAIN],
  ['refuses the flag RSC_INFO', `04 00 0000 0000 0000 0000 ${TCP4_PACKET}`, dropped('offload-flags')],
  [
    'refuses an unknown flag beside NEEDS_CSUM',
    `81 00 0000 0000 1400 1000 ${TCP4_PACKET}`,
    dropped('offload-flags'),
  ],
  [
    'refuses csum_start beside the TCP header',
    `01 00 0000 0000 1600 1000 ${TCP4_PACKET}`,
    dropped('checksum-fields'),
  ],
  [
    'refuses csum_start in a tunnelled packet',
    `01 00 0000 0000 1401 1000 ${TCP4_PACKET}`,
    dropped('checksum-fields'),
  ],
  [
    'refuses csum_offset of UDP in TCP',
    `01 00 0000 0000 1400 0600 ${TCP4_PACKET}`,
    dropped('checksum-fields'),
  ],
  [
    'refuses csum_offset of TCP in UDP',
    `01 00 0000 0000 1400 1000 ${UDP4_PACKET}`,
    dropped('checksum-fields'),
  ],
  [
    'refuses csum_offset whose high byte is set',
    `01 00 0000 0000 1400 1001 ${TCP4_PACKET}`,
    dropped('checksum-fields'),
  ],
  [
    'refuses a partial checksum of ICMP',
    `01 00 0000 0000 1400 0200 ${ECHO4_PACKET}`,
    dropped('checksum-fields'),
  ],
  [
    'refuses a partial checksum of a fragment',
    `01 00 0000 0000 1400 1000 ${TCP4_PACKET.replace('0001 0000', '0001 2000')}`,
    dropped('offload-fragment'),
  ],
  [
    'refuses GSO of a fragment',
    `01 01 2800 0001 1400 1000 ${TCP4_PACKET.replace('0001 0000', '0001 2000')}`,
    dropped('offload-fragment'),
  ],
  [
    'clears the fields of a fragment',
    `00 00 2800 0001 1400 1000 ${TCP4_PACKET.replace('0001 0000', '0001 2000')}`,
    PASSES_PLAIN,
  ],
  [
    'takes a GSO packet of one segment for none',
    `01 01 2800 a805 1400 1000 ${TCP4_PACKET}`,
    passes('01 00 0000 0000 1400 1000'),
  ],
]

for (const [title, payload, expected] of PLAIN_CASES) {
  test(`offload: ${title}`, async (t) => {
    t.same(judge(frame(payload)), expected)
  })
}

const SUPER_CASES: readonly (readonly [
  title: string,
  header: string,
  packet: string,
  expected: Judgement,
])[] = [
  ['passes TCP over IPv4', '01 01 2800 b405 1400 1000', TCP4_SUPER, passes('01 01 2800 b405 1400 1000')],
  ['passes TCP over IPv6', '01 04 3c00 a005 2800 1000', TCP6_SUPER, passes('01 04 3c00 a005 2800 1000')],
  ['refuses UDP over IPv4', '01 05 1c00 b004 1400 0600', UDP4_SUPER, dropped('offload-not-accepted')],
  ['refuses UDP over IPv6', '01 05 3000 b004 2800 0600', UDP6_SUPER, dropped('offload-not-accepted')],
  [
    'computes hdr_len with IP and TCP options',
    '01 01 ffff 9c05 1800 1000',
    TCP4_SUPER_WITH_OPTIONS,
    passes('01 01 3800 9c05 1800 1000'),
  ],
  [
    'computes hdr_len with extension headers',
    '01 04 0000 9805 3000 1000',
    TCP6_SUPER_WITH_OPTIONS,
    passes('01 04 4400 9805 3000 1000'),
  ],
  [
    'keeps the ECN bit with TCP over IPv4',
    '01 81 2800 b405 1400 1000',
    TCP4_SUPER,
    passes('01 81 2800 b405 1400 1000'),
  ],
  [
    'keeps the ECN bit with TCP over IPv6',
    '01 84 3c00 a005 2800 1000',
    TCP6_SUPER,
    passes('01 84 3c00 a005 2800 1000'),
  ],
  ['refuses UDP with the ECN bit', '01 85 1c00 b004 1400 0600', UDP4_SUPER, dropped('offload-not-accepted')],
  ['clears DATA_VALID', '03 01 2800 b405 1400 1000', TCP4_SUPER, passes('01 01 2800 b405 1400 1000')],
  [
    'refuses GSO without NEEDS_CSUM',
    '00 01 2800 b405 1400 1000',
    TCP4_SUPER,
    dropped('gso-without-checksum'),
  ],
  [
    'refuses GSO with DATA_VALID alone',
    '02 01 2800 b405 1400 1000',
    TCP4_SUPER,
    dropped('gso-without-checksum'),
  ],
  ['refuses an unknown flag', '09 01 2800 b405 1400 1000', TCP4_SUPER, dropped('offload-flags')],
  ['refuses gso_type 2', '01 02 2800 b405 1400 1000', TCP4_SUPER, dropped('gso-type')],
  ['refuses UDP fragmentation', '01 03 1c00 b004 1400 0600', UDP4_SUPER, dropped('gso-type')],
  ['refuses tunnel bits in gso_type', '01 21 2800 b405 1400 1000', TCP4_SUPER, dropped('gso-type')],
  ['refuses TCPv6 for IPv4', '01 04 2800 b405 1400 1000', TCP4_SUPER, dropped('gso-type')],
  ['refuses TCPv4 for IPv6', '01 01 3c00 a005 2800 1000', TCP6_SUPER, dropped('gso-type')],
  ['refuses UDP for TCP', '01 05 2800 b405 1400 1000', TCP4_SUPER, dropped('gso-type')],
  ['refuses TCPv4 for UDP', '01 01 1c00 b004 1400 0600', UDP4_SUPER, dropped('gso-type')],
  ['refuses wrong checksum fields', '01 01 2800 b405 1500 1000', TCP4_SUPER, dropped('checksum-fields')],
  ['refuses gso_size 255', '01 01 2800 ff00 1400 1000', TCP4_SUPER, dropped('gso-size')],
  ['refuses gso_size 0', '01 01 2800 0000 1400 1000', TCP4_SUPER, dropped('gso-size')],
  ['passes gso_size 256', '01 01 2800 0001 1400 1000', TCP4_SUPER, passes('01 01 2800 0001 1400 1000')],
  ['drops segments of 1501 bytes', '01 01 2800 b505 1400 1000', TCP4_SUPER, dropped('exceeds-mtu')],
  ['drops segments of 1501 bytes over IPv6', '01 04 3c00 a105 2800 1000', TCP6_SUPER, dropped('exceeds-mtu')],
  ['refuses UDP of any size', '01 05 1c00 c105 1400 0600', UDP4_SUPER, dropped('offload-not-accepted')],
  [
    'drops a long packet that is no GSO packet',
    '00 00 0000 0000 0000 0000',
    TCP4_SUPER,
    dropped('exceeds-mtu'),
  ],
  [
    'drops a long packet with a partial checksum',
    '01 00 0000 0000 1400 1000',
    TCP4_SUPER,
    dropped('exceeds-mtu'),
  ],
]

for (const [title, header, packet, expected] of SUPER_CASES) {
  test(`GSO packet: ${title}`, async (t) => {
    t.same(
      judge(frame(`${header} ${packet}`, packet.startsWith('4') ? SUPER4_BYTES : SUPER6_BYTES)),
      expected,
    )
  })
}

test('passes a packet of exactly the MTU and drops one byte more', async (t) => {
  const packet = (bytes: number) =>
    frame(
      `00 00 0000 0000 0000 0000 4500 ${bytes.toString(16).padStart(4, '0')} 0001 4000 4006 0000 ${TO_POD4} ${TCP}`,
      10 + bytes,
    )
  t.same(judge(packet(1500)), PASSES_PLAIN)
  t.same(judge(packet(1501)), dropped('exceeds-mtu'))
  t.same(judge(packet(1501), { mtu: 1501 }), PASSES_PLAIN)
})

const FRAMES = {
  plain: frame(`00 00 0000 0000 0000 0000 ${TCP4_PACKET}`),
  checksum: frame(`01 00 0000 0000 1400 1000 ${TCP4_PACKET}`),
  tso4: frame(`01 01 2800 b405 1400 1000 ${TCP4_SUPER}`, SUPER4_BYTES),
  tso6: frame(`01 04 3c00 a005 2800 1000 ${TCP6_SUPER}`, SUPER6_BYTES),
  udpGso: frame(`01 05 1c00 b004 1400 0600 ${UDP4_SUPER}`, SUPER4_BYTES),
}

for (const [accepts, passing] of [
  [[], ['plain']],
  [['checksum'], ['plain', 'checksum']],
  [
    ['checksum', 'tso4'],
    ['plain', 'checksum', 'tso4'],
  ],
  [
    ['checksum', 'tso6'],
    ['plain', 'checksum', 'tso6'],
  ],
  [
    ['checksum', 'tso4', 'tso6'],
    ['plain', 'checksum', 'tso4', 'tso6'],
  ],
  [['tso4', 'tso6'], ['plain']],
] as const satisfies readonly (readonly [readonly OffloadKind[], readonly (keyof typeof FRAMES)[]])[]) {
  test(`lets a receiver that takes [${accepts}] have ${passing} and nothing else`, async (t) => {
    const policy: Partial<PacketPolicy> = { accepts }
    for (const [name, payload] of Object.entries(FRAMES)) {
      const expected = passing.some((kind) => kind === name) ? 'passed' : 'offload-not-accepted'
      t.equal(judge(payload, policy).reason, expected, name)
    }
  })
}

test('names the smallest gso_size', async (t) => {
  t.equal(MIN_GSO_SIZE_BYTES, 256)
})
