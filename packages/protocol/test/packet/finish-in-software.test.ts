import { finishInSoftware } from '@reversed-vpn/protocol'
import { test } from 'tap'
import { hex, toHex } from '../hex.js'
import { ECHO4_PACKET, NO_OFFLOAD, TCP, TCP4_PACKET, TO_POD4, TO_POD6, UDP } from './packet-samples.js'

const PAYLOAD = '11223344 55667788 99aa'
const TIMESTAMPS = '0101080a 00000001 00000002'

// Frames, and the packets that were computed from them by a program of another language.
const VECTORS: readonly (readonly [title: string, frame: string, packets: readonly string[]])[] = [
  [
    'cuts TCP over IPv4: sequence and identification wrap, CWR in the first, FIN and PSH in the last',
    `01 81 2800 0400 1400 1000 4500 0032 ffff 4000 4006 dead ${TO_POD4} 0400 0050 fffffffe 00000002 5099 0200 beef 0000 ${PAYLOAD}`,
    [
      '4500002cffff40004006f41dc0a87b010a00010504000050fffffffe00000002509002001deb000011223344',
      '4500002c000040004006f41dc0a87b010a0001050400005000000002000000025010020095df000055667788',
      '4500002a000140004006f41ec0a87b010a00010504000050000000060000000250190200c918000099aa',
    ],
  ],
  [
    'cuts TCP over IPv6, options in every segment',
    `01 04 4800 0600 2800 1000 6000 0000 002a 0640 ${TO_POD6} 0400 0050 00000001 00000002 8018 0200 beef 0000 ${TIMESTAMPS} ${PAYLOAD}`,
    [
      '6000000000260640fd8f6d53b97a0001000000000000000120010db800010000000000000000000504000050000000010000000280100200847600000101080a0000000100000002112233445566',
      '6000000000240640fd8f6d53b97a0001000000000000000120010db8000100000000000000000005040000500000000700000002801802000d0400000101080a0000000100000002778899aa',
    ],
  ],
  [
    'cuts UDP over IPv4',
    `01 05 1c00 0700 1400 0600 4500 0026 0001 4000 4011 dead ${TO_POD4} 0400 0050 0012 beef ${PAYLOAD}`,
    [
      '45000023000140004011f41ac0a87b010a00010504000050000fa40411223344556677',
      '4500001f000240004011f41dc0a87b010a00010504000050000b823f8899aa',
    ],
  ],
  [
    'cuts UDP over IPv6',
    `01 05 3000 0500 2800 0600 6000 0000 0012 1140 ${TO_POD6} 0400 0050 0012 beef ${PAYLOAD}`,
    [
      '60000000000d1140fd8f6d53b97a0001000000000000000120010db800010000000000000000000504000050000d0fff1122334455',
      '60000000000d1140fd8f6d53b97a0001000000000000000120010db800010000000000000000000504000050000d105466778899aa',
    ],
  ],
  [
    'completes the checksum of UDP',
    `01 00 0000 0000 1400 0600 4500 0021 0001 4000 4011 f41c ${TO_POD4} 0400 0050 000d 46cd 11223344 55`,
    ['45000021000140004011f41cc0a87b010a00010504000050000d1b6f1122334455'],
  ],
  [
    'writes ffff for a checksum that comes to zero, which would mean none',
    `01 00 0000 0000 1400 0600 4500 001e 0001 4000 4011 f41f ${TO_POD4} 0400 0050 000a 46ca b4db`,
    ['4500001e000140004011f41fc0a87b010a00010504000050000affffb4db'],
  ],
  [
    'completes the checksum of TCP inside a VXLAN and leaves the outer one alone',
    '01 00 0000 0000 4600 1000 4500 005d 0003 4000 4011 f3de c0a87b01 0a000105 1388 12b5 0049 0000 08000000 00000100 020000000002 020000000001 0800 4500 002b 0009 4000 4006 24c6 0afe0001 0afe0002 0400 0050 00000007 00000002 5018 0200 161c 0000 78797a',
    [
      '4500005d000340004011f3dec0a87b010a000105138812b500490000080000000000010002000000000202000000000108004500002b00094000400624c60afe00010afe000204000050000000070000000250180200a0f8000078797a',
    ],
  ],
  ['hands over a packet with nothing left undone', `${NO_OFFLOAD} ${TCP4_PACKET}`, [TCP4_PACKET]],
  [
    'hands over a packet that its kernel has verified',
    `02 00 0000 0000 0000 0000 ${TCP4_PACKET}`,
    [TCP4_PACKET],
  ],
]

for (const [title, frame, packets] of VECTORS) {
  test(`finishing ${title}`, async (t) => {
    const bytes = hex(frame)
    t.same(
      finishInSoftware(bytes).map(toHex),
      packets.map((packet) => packet.replaceAll(' ', '')),
    )
    t.equal(toHex(bytes), frame.replaceAll(' ', ''), 'the frame is as it was')
  })
}

const IMPOSSIBLE: readonly (readonly [title: string, frame: string])[] = [
  ['nothing', ''],
  ['a frame without a packet', NO_OFFLOAD],
  ['what is no IP packet', `${NO_OFFLOAD} ${'00'.repeat(40)}`],
  ['a packet of IP version 5', `${NO_OFFLOAD} 5${TCP4_PACKET.slice(1)}`],
  ['an IPv6 packet shorter than its header', `${NO_OFFLOAD} 60${'00'.repeat(30)}`],
  ['UDP fragmentation', `01 03 1c00 0800 1400 0600 4500 0020 0001 0000 4011 0000 ${TO_POD4} ${UDP}`],
  ['an unknown gso_type', `01 07 2800 0800 1400 1000 ${TCP4_PACKET}`],
  ['a GSO packet inside a tunnel', `01 21 2800 0800 1400 1000 ${TCP4_PACKET}`],
  ['a GSO packet whose TCP header is elsewhere', `01 01 2800 0800 3200 1000 ${TCP4_PACKET}`],
  ['TCPv6 in IPv4', `01 04 2800 0800 1400 1000 ${TCP4_PACKET}`],
  ['segments of no size', `01 01 2800 0000 1400 1000 ${TCP4_PACKET}`],
  [
    'a partial checksum of a fragment',
    `01 00 0000 0000 1400 1000 ${TCP4_PACKET.replace('0001 0000', '0001 2000')}`,
  ],
  ['GSO of a fragment', `01 01 2800 0800 1400 1000 ${TCP4_PACKET.replace('0001 0000', '0001 2000')}`],
  ['a checksum behind the packet', `01 00 0000 0000 1400 1300 ${TCP4_PACKET}`],
  ['a checksum far behind the packet', `01 00 0000 0000 1400 ffff ${TCP4_PACKET}`],
  ['a checksum in the IP header', `01 00 0000 0000 0000 0a00 ${TCP4_PACKET}`],
  [
    'a checksum of SCTP, which is a CRC',
    `01 00 0000 0000 1400 0800 4500 0020 0001 0000 4084 0000 ${TO_POD4} 04000050 00000001 00000000`,
  ],
]

for (const [title, frame] of IMPOSSIBLE) {
  test(`finishing gives nothing for ${title}`, async (t) => {
    t.same(finishInSoftware(hex(frame)), [])
  })
}

test('finishing takes the checksum of any protocol that points into its packet', async (t) => {
  const [packet] = finishInSoftware(hex(`01 00 0000 0000 1400 0200 ${ECHO4_PACKET}`))
  t.equal(packet && toHex(packet.subarray(20)), '0800f7fd00010001')
})

test('finishing a GSO packet of one segment keeps its flags', async (t) => {
  const frame = hex(
    `01 01 2800 ff00 1400 1000 4500 0028 0001 4000 4006 0000 ${TO_POD4} ${TCP.replace('5010', '5099')}`,
  )
  const [packet, ...rest] = finishInSoftware(frame)
  t.equal(packet?.[33], 0x99)
  t.equal(packet?.length, 40)
  t.same(rest, [])
})
