import { test } from 'tap'
import {
  dropped,
  ECHO4_PACKET,
  frame,
  type Judgement,
  judge,
  NO_OFFLOAD,
  PASSES_PLAIN,
  TCP,
  TCP4_PACKET,
  TO_POD4,
  UDP,
  UDP4_PACKET,
} from './packet-samples.js'

const CASES: readonly (readonly [title: string, packet: string, expected: Judgement])[] = [
  ['passes TCP', TCP4_PACKET, PASSES_PLAIN],
  ['passes UDP', UDP4_PACKET, PASSES_PLAIN],
  ['passes an echo request', ECHO4_PACKET, PASSES_PLAIN],
  ['passes a protocol that it does not know', `4500 0014 0001 0000 4084 0000 ${TO_POD4}`, PASSES_PLAIN],
  ['passes a router alert', `4600 002c 0001 0000 4006 0000 ${TO_POD4} 94040000 ${TCP}`, PASSES_PLAIN],
  [
    'reads no option behind the end of options',
    `4600 002c 0001 0000 4006 0000 ${TO_POD4} 00830304 ${TCP}`,
    PASSES_PLAIN,
  ],
  [
    'drops a loose source route',
    `4700 0030 0001 0000 4006 0000 ${TO_POD4} 83070408 08080800 ${TCP}`,
    dropped('source-route'),
  ],
  [
    'drops a strict source route',
    `4700 0030 0001 0000 4006 0000 ${TO_POD4} 89070408 08080800 ${TCP}`,
    dropped('source-route'),
  ],
  [
    'drops a source route behind padding',
    `4800 0034 0001 0000 4006 0000 ${TO_POD4} 01010183 07040808 08080000 ${TCP}`,
    dropped('source-route'),
  ],
  [
    'drops a source route behind another option',
    `4800 0034 0001 0000 4006 0000 ${TO_POD4} 94040000 83070408 08080800 ${TCP}`,
    dropped('source-route'),
  ],
  [
    'drops an option of length 0',
    `4600 002c 0001 0000 4006 0000 ${TO_POD4} 94000000 ${TCP}`,
    dropped('ipv4-header'),
  ],
  [
    'drops an option of length 1',
    `4600 002c 0001 0000 4006 0000 ${TO_POD4} 94010000 ${TCP}`,
    dropped('ipv4-header'),
  ],
  [
    'drops an option that ends behind the header',
    `4600 002c 0001 0000 4006 0000 ${TO_POD4} 94050000 ${TCP}`,
    dropped('ipv4-header'),
  ],
  [
    'drops an option without its length',
    `4600 002c 0001 0000 4006 0000 ${TO_POD4} 01010194 ${TCP}`,
    dropped('ipv4-header'),
  ],
  ['drops a header of 16 bytes', `4400 0028 0001 0000 4006 0000 ${TO_POD4} ${TCP}`, dropped('ipv4-header')],
  [
    'drops a header longer than the packet',
    `4f00 0028 0001 0000 4006 0000 ${TO_POD4} ${TCP}`,
    dropped('ipv4-header'),
  ],
  [
    'drops a total length above the frame',
    `4500 0029 0001 0000 4006 0000 ${TO_POD4} ${TCP}`,
    dropped('ip-length'),
  ],
  [
    'drops a total length below the frame',
    `4500 0027 0001 0000 4006 0000 ${TO_POD4} ${TCP}`,
    dropped('ip-length'),
  ],
  ['drops a total length of zero', `4500 0000 0001 0000 4006 0000 ${TO_POD4} ${TCP}`, dropped('ip-length')],
  [
    'drops TCP that ends within its header',
    `4500 0027 0001 0000 4006 0000 ${TO_POD4} ${TCP.slice(0, -2)}`,
    dropped('truncated'),
  ],
  [
    'drops TCP whose options end behind the packet',
    `4500 0028 0001 0000 4006 0000 ${TO_POD4} ${TCP.replace('5010', '6010')}`,
    dropped('truncated'),
  ],
  [
    'drops TCP with a header of 16 bytes',
    `4500 0028 0001 0000 4006 0000 ${TO_POD4} ${TCP.replace('5010', '4010')}`,
    dropped('truncated'),
  ],
  [
    'drops UDP that ends within its header',
    `4500 001b 0001 0000 4011 0000 ${TO_POD4} 04000050000800`,
    dropped('truncated'),
  ],
  [
    'drops ICMP that ends within its header',
    `4500 001b 0001 0000 4001 0000 ${TO_POD4} 08000000000100`,
    dropped('truncated'),
  ],

  ['passes a first fragment of TCP', `4500 0028 0001 2000 4006 0000 ${TO_POD4} ${TCP}`, PASSES_PLAIN],
  ['passes a later fragment of TCP', `4500 0018 0001 2003 4006 0000 ${TO_POD4} 01020304`, PASSES_PLAIN],
  ['passes the last fragment of UDP', `4500 0018 0001 0001 4011 0000 ${TO_POD4} 01020304`, PASSES_PLAIN],
  ['passes a first fragment of UDP', `4500 0020 0001 2000 4011 0000 ${TO_POD4} ${UDP}`, PASSES_PLAIN],
  ['passes a first fragment of an echo', ECHO4_PACKET.replace('0001 0000', '0001 2000'), PASSES_PLAIN],
  [
    'drops a later fragment from a wrong source',
    `4500 0018 0001 0003 4006 0000 c0a87b02 0a000105 01020304`,
    dropped('source'),
  ],
  [
    'drops a later fragment to a wrong destination',
    `4500 0018 0001 0003 4006 0000 c0a87b01 0b000105 01020304`,
    dropped('destination'),
  ],
  [
    'drops a first fragment that hides TCP flags',
    `4500 0024 0001 2000 4006 0000 ${TO_POD4} 04000050 00000001 00000002 5010 0200`,
    dropped('fragment-tiny'),
  ],
  [
    'drops a first fragment that hides TCP options',
    `4500 0028 0001 2000 4006 0000 ${TO_POD4} ${TCP.replace('5010', '6010')}`,
    dropped('fragment-tiny'),
  ],
  [
    'drops a first fragment that hides the UDP length',
    `4500 0018 0001 2000 4011 0000 ${TO_POD4} 04000050`,
    dropped('fragment-tiny'),
  ],
  [
    'drops a first fragment that hides the ICMP header',
    `4500 0018 0001 2000 4001 0000 ${TO_POD4} 08000000`,
    dropped('fragment-tiny'),
  ],
  [
    'drops a fragment over TCP flags, at offset 8',
    `4500 0028 0001 2001 4006 0000 ${TO_POD4} ${TCP}`,
    dropped('fragment-overlap'),
  ],
  [
    'drops a fragment over the TCP checksum, at offset 16',
    `4500 0018 0001 0002 4006 0000 ${TO_POD4} 01020304`,
    dropped('fragment-overlap'),
  ],
]

for (const [title, packet, expected] of CASES) {
  test(`IPv4: ${title}`, async (t) => {
    t.same(judge(frame(NO_OFFLOAD + packet)), expected)
  })
}
