import { test } from 'tap'
import {
  dropped,
  ECHO6_PACKET,
  frame,
  type Judgement,
  judge,
  NO_OFFLOAD,
  PASSES_PLAIN,
  TCP,
  TCP6_PACKET,
  TO_POD6,
  UDP,
  UDP6_PACKET,
} from './packet-samples.js'

// Extension headers of 8 bytes, each named for the header that follows it.
const OPTIONS_THEN_OPTIONS = '3c00 0104 0000 0000'
const OPTIONS_THEN_TCP = '0600 0104 0000 0000'
const FROM_POD6_FRAGMENT = '2c40'

const CASES: readonly (readonly [title: string, packet: string, expected: Judgement])[] = [
  ['passes TCP', TCP6_PACKET, PASSES_PLAIN],
  ['passes UDP', UDP6_PACKET, PASSES_PLAIN],
  ['passes an echo request', ECHO6_PACKET, PASSES_PLAIN],
  ['passes no next header', `6000 0000 0000 3b40 ${TO_POD6}`, PASSES_PLAIN],
  ['drops TCP without a byte of its header', `6000 0000 0000 0640 ${TO_POD6}`, dropped('truncated')],
  ['drops less than a header', `6000 0000 0000 3b40 ${TO_POD6.slice(0, -2)}`, dropped('length')],
  ['drops a payload length above the frame', `6000 0000 0015 0640 ${TO_POD6} ${TCP}`, dropped('ip-length')],
  ['drops a payload length below the frame', `6000 0000 0013 0640 ${TO_POD6} ${TCP}`, dropped('ip-length')],
  ['drops a jumbogram', `6000 0000 0000 0040 ${TO_POD6} 0600 c204 0001 0000 ${TCP}`, dropped('ip-length')],
  ['passes hop-by-hop options', `6000 0000 001c 0040 ${TO_POD6} ${OPTIONS_THEN_TCP} ${TCP}`, PASSES_PLAIN],
  [
    'passes destination options of 16 bytes',
    `6000 0000 0024 3c40 ${TO_POD6} 0601 010c 00000000 0000000000000000 ${TCP}`,
    PASSES_PLAIN,
  ],
  [
    'passes an authentication header of 12 bytes',
    `6000 0000 0020 3340 ${TO_POD6} 0601 0000 00000001 00000001 ${TCP}`,
    PASSES_PLAIN,
  ],
  [
    'passes 8 extension headers',
    `6000 0000 0054 3c40 ${TO_POD6} ${OPTIONS_THEN_OPTIONS.repeat(7)} ${OPTIONS_THEN_TCP} ${TCP}`,
    PASSES_PLAIN,
  ],
  [
    'drops 9 extension headers',
    `6000 0000 005c 3c40 ${TO_POD6} ${OPTIONS_THEN_OPTIONS.repeat(8)} ${OPTIONS_THEN_TCP} ${TCP}`,
    dropped('extension-headers'),
  ],
  [
    'drops hop-by-hop options that are not first',
    `6000 0000 0024 3c40 ${TO_POD6} 0000 0104 00000000 ${OPTIONS_THEN_TCP} ${TCP}`,
    dropped('extension-headers'),
  ],
  [
    'drops a routing header',
    `6000 0000 001c 2b40 ${TO_POD6} 0600 0000 00000000 ${TCP}`,
    dropped('routing-header'),
  ],
  [
    'drops a routing header behind options',
    `6000 0000 0024 3c40 ${TO_POD6} 2b00 0104 00000000 0600 0400 00000000 ${TCP}`,
    dropped('routing-header'),
  ],
  [
    'drops an extension header that is cut off',
    `6000 0000 0004 3c40 ${TO_POD6} 06000104`,
    dropped('truncated'),
  ],
  [
    'drops an extension header that ends behind the packet',
    `6000 0000 0008 3c40 ${TO_POD6} 3b01 0104 00000000`,
    dropped('truncated'),
  ],
  [
    'drops TCP that ends within its header',
    `6000 0000 0013 0640 ${TO_POD6} ${TCP.slice(0, -2)}`,
    dropped('truncated'),
  ],

  [
    'passes a first fragment',
    `6000 0000 001c ${FROM_POD6_FRAGMENT} ${TO_POD6} 0600 0001 00000007 ${TCP}`,
    PASSES_PLAIN,
  ],
  [
    'passes an atomic fragment',
    `6000 0000 001c ${FROM_POD6_FRAGMENT} ${TO_POD6} 0600 0000 00000007 ${TCP}`,
    PASSES_PLAIN,
  ],
  [
    'passes a later fragment whatever it holds',
    `6000 0000 000c ${FROM_POD6_FRAGMENT} ${TO_POD6} 3c00 0019 00000007 ffffffff`,
    PASSES_PLAIN,
  ],
  [
    'passes options inside a first fragment',
    `6000 0000 0024 ${FROM_POD6_FRAGMENT} ${TO_POD6} 3c00 0001 00000007 ${OPTIONS_THEN_TCP} ${TCP}`,
    PASSES_PLAIN,
  ],
  [
    'drops a routing header inside a first fragment',
    `6000 0000 0024 ${FROM_POD6_FRAGMENT} ${TO_POD6} 2b00 0001 00000007 0600 0000 00000000 ${TCP}`,
    dropped('routing-header'),
  ],
  [
    'drops a fragment of a fragment',
    `6000 0000 0024 ${FROM_POD6_FRAGMENT} ${TO_POD6} 2c00 0001 00000007 0600 0001 00000007 ${TCP}`,
    dropped('extension-headers'),
  ],
  [
    'drops a first fragment that hides TCP flags',
    `6000 0000 0010 ${FROM_POD6_FRAGMENT} ${TO_POD6} 0600 0001 00000007 04000050 00000001`,
    dropped('fragment-tiny'),
  ],
  [
    'drops a first fragment that hides what follows its options',
    `6000 0000 000c ${FROM_POD6_FRAGMENT} ${TO_POD6} 3c00 0001 00000007 06000104`,
    dropped('fragment-tiny'),
  ],
  [
    'drops a first fragment that hides the UDP length',
    `6000 0000 000c ${FROM_POD6_FRAGMENT} ${TO_POD6} 1100 0001 00000007 04000050`,
    dropped('fragment-tiny'),
  ],
  [
    'drops a fragment over TCP flags, at offset 8',
    `6000 0000 001c ${FROM_POD6_FRAGMENT} ${TO_POD6} 0600 0009 00000007 ${TCP}`,
    dropped('fragment-overlap'),
  ],
  [
    'drops a fragment over the TCP checksum, at offset 16',
    `6000 0000 000c ${FROM_POD6_FRAGMENT} ${TO_POD6} 0600 0010 00000007 ffffffff`,
    dropped('fragment-overlap'),
  ],
  [
    'passes a fragment of UDP at offset 8',
    `6000 0000 0014 ${FROM_POD6_FRAGMENT} ${TO_POD6} 1100 0008 00000007 ${UDP}`,
    PASSES_PLAIN,
  ],
]

for (const [title, packet, expected] of CASES) {
  test(`IPv6: ${title}`, async (t) => {
    t.same(judge(frame(NO_OFFLOAD + packet)), expected)
  })
}

test('IPv6: drops headers that do not end within the prefix', async (t) => {
  // Destination options of 192 bytes let TCP end at 252, of 200 bytes at 260.
  const packet = (units: string, payload: string) =>
    frame(
      `${NO_OFFLOAD} 6000 0000 ${payload} 3c40 ${TO_POD6} 06${units}`,
      10 + 40 + Number.parseInt(payload, 16),
    )
  const fits = packet('17', '0100')
  const beyond = packet('18', '0100')
  fits[10 + 40 + 192 + 12] = 0x50
  beyond[10 + 40 + 200 + 12] = 0x50
  t.same(judge(fits), PASSES_PLAIN)
  t.same(judge(beyond), dropped('headers-too-long'))
})

test('IPv6: drops TCP options that do not end within the prefix', async (t) => {
  const payload = frame(`${NO_OFFLOAD} 6000 0000 0100 3c40 ${TO_POD6} 0617`, 10 + 40 + 0x100)
  payload[10 + 40 + 192 + 12] = 0x70
  t.same(judge(payload), dropped('headers-too-long'))
})

test('IPv6: drops extension headers that do not end within the prefix', async (t) => {
  t.same(
    judge(frame(`${NO_OFFLOAD} 6000 0000 0100 3c40 ${TO_POD6} 3c1a`, 10 + 40 + 0x100)),
    dropped('headers-too-long'),
  )
  t.same(
    judge(frame(`${NO_OFFLOAD} 6000 0000 0100 3c40 ${TO_POD6} 3b1b`, 10 + 40 + 0x100)),
    dropped('headers-too-long'),
  )
})
