import { test } from 'tap'
import {
  dropped,
  frame,
  type Judgement,
  judge,
  NO_OFFLOAD,
  PASSES_PLAIN,
  TO_POD4,
  TO_POD6,
} from './packet-samples.js'

// Quoted packets went from a pod to the transfer address; the error goes back to the pod, from a router on the way.
const QUOTED4 = '4500 0028 0001 0000 4006 0000 0a000105 c0a87b01 0050 0400 00000001'
const QUOTED6 =
  '6000 0000 0014 0640 20010db8000100000000000000000005 fd8f6d53b97a00010000000000000001 0050 0400 00000001'
const ROUTER4_TO_POD = 'ac100009 0a000105'
const ROUTER6_TO_POD = '20010db8999900000000000000000001 20010db8000100000000000000000005'

function error4(type: string, quoted = QUOTED4, addresses = ROUTER4_TO_POD): string {
  const message = `${type}00 0000 00000000 ${quoted}`
  const bytes = 20 + message.replaceAll(' ', '').length / 2
  return `4500 ${bytes.toString(16).padStart(4, '0')} 0001 0000 4001 0000 ${addresses} ${message}`
}

function error6(type: string, quoted = QUOTED6, addresses = ROUTER6_TO_POD): string {
  const message = `${type}00 0000 00000000 ${quoted}`
  const bytes = message.replaceAll(' ', '').length / 2
  return `6000 0000 ${bytes.toString(16).padStart(4, '0')} 3a40 ${addresses} ${message}`
}

function message4(type: string): string {
  return `4500 001c 0001 0000 4001 0000 ${TO_POD4} ${type}00 0000 0001 0001`
}

function message6(type: string, addresses = TO_POD6): string {
  return `6000 0000 0008 3a40 ${addresses} ${type}00 0000 0001 0001`
}

const CASES: readonly (readonly [title: string, packet: string, expected: Judgement])[] = [
  ['passes destination unreachable of a router', error4('03'), PASSES_PLAIN],
  ['passes time exceeded of a router', error4('0b'), PASSES_PLAIN],
  ['passes parameter problem of a router', error4('0c'), PASSES_PLAIN],
  [
    'passes a written-out error',
    '4500 0038 0001 0000 4001 0000 ac100009 0a000105 0304 0000 00000578 4500 0028 0001 0000 4006 0000 0a000105 c0a87b01 0050 0400 00000001',
    PASSES_PLAIN,
  ],
  [
    'passes a quote with options',
    error4('03', '4600 002c 0001 0000 4006 0000 0a000105 c0a87b01 01010101 00500400 00000001'),
    PASSES_PLAIN,
  ],
  [
    'drops a quote from beyond our destinations',
    error4('03', QUOTED4.replace('0a000105', '0b000105')),
    dropped('icmp-quote'),
  ],
  [
    'drops a quote from a refused destination',
    error4('03', QUOTED4.replace('0a000105', '0aff0105')),
    dropped('icmp-quote'),
  ],
  [
    'drops a quote to beyond our sources',
    error4('03', QUOTED4.replace('c0a87b01', 'c0a87b02')),
    dropped('icmp-quote'),
  ],
  [
    'drops a quote of our own direction',
    error4('03', '4500 0028 0001 0000 4006 0000 c0a87b01 0a000105 0050 0400 00000001'),
    dropped('icmp-quote'),
  ],
  ['drops an error that quotes nothing', error4('03', ''), dropped('icmp-quote')],
  ['drops a quote without ports', error4('03', QUOTED4.slice(0, -2)), dropped('icmp-quote')],
  [
    'drops a quote whose options hide the ports',
    error4('03', QUOTED4.replace('4500', '4600')),
    dropped('icmp-quote'),
  ],
  [
    'drops a quote with a header of 16 bytes',
    error4('03', QUOTED4.replace('4500', '4400')),
    dropped('icmp-quote'),
  ],
  [
    'drops a quote of IP version 6 with the header of version 4',
    error4('03', QUOTED4.replace('4500', '6500')),
    dropped('icmp-quote'),
  ],
  ['drops a quote of the other IP version', error4('03', QUOTED6), dropped('icmp-quote')],
  [
    'drops an error to beyond our destinations',
    error4('03', QUOTED4, 'ac100009 0b000105'),
    dropped('destination'),
  ],
  [
    'drops an error to a refused destination',
    error4('03', QUOTED4, 'ac100009 646464c8'),
    dropped('refused-destination'),
  ],
  [
    'drops an error from a multicast address',
    error4('03', QUOTED4, 'e0000001 0a000105'),
    dropped('icmp-source'),
  ],
  [
    'drops an error from a loopback address',
    error4('03', QUOTED4, '7f000001 0a000105'),
    dropped('icmp-source'),
  ],
  [
    'drops an error from a link-local address',
    error4('03', QUOTED4, 'a9fea9fe 0a000105'),
    dropped('icmp-source'),
  ],
  [
    'drops an error from the unspecified address',
    error4('03', QUOTED4, '00000000 0a000105'),
    dropped('icmp-source'),
  ],
  [
    'drops an error from the broadcast address',
    error4('03', QUOTED4, 'ffffffff 0a000105'),
    dropped('icmp-source'),
  ],
  [
    'drops an error in a first fragment',
    error4('03').replace('0001 0000 4001', '0001 2000 4001'),
    dropped('icmp-type'),
  ],
  ['passes an echo reply', message4('00'), PASSES_PLAIN],
  ['drops a source quench', error4('04'), dropped('icmp-type')],
  ['drops a redirect', error4('05'), dropped('icmp-type')],
  ['drops a router advertisement', message4('09'), dropped('icmp-type')],
  ['drops a router solicitation', message4('0a'), dropped('icmp-type')],
  ['drops a timestamp request', message4('0d'), dropped('icmp-type')],
  ['judges an echo by its own source', message4('08').replace('c0a87b01', 'ac100009'), dropped('source')],

  ['passes ICMPv6 destination unreachable of a router', error6('01'), PASSES_PLAIN],
  ['passes packet too big of a router', error6('02'), PASSES_PLAIN],
  ['passes ICMPv6 time exceeded of a router', error6('03'), PASSES_PLAIN],
  ['passes ICMPv6 parameter problem of a router', error6('04'), PASSES_PLAIN],
  [
    'drops an ICMPv6 quote from beyond our destinations',
    error6('02', QUOTED6.replace('20010db80001', '20010db80002')),
    dropped('icmp-quote'),
  ],
  [
    'drops an ICMPv6 quote to beyond our sources',
    error6('02', QUOTED6.replace('fd8f6d53b97a00010000000000000001', 'fd8f6d53b97a00010000000000000002')),
    dropped('icmp-quote'),
  ],
  [
    'drops an ICMPv6 quote from a refused destination',
    error6('02', QUOTED6.replace('20010db8000100000000000000000005', 'fd000ec2000000000000000000000254')),
    dropped('icmp-quote'),
  ],
  ['drops an ICMPv6 error that quotes nothing', error6('02', ''), dropped('icmp-quote')],
  ['drops an ICMPv6 quote without ports', error6('02', QUOTED6.slice(0, -2)), dropped('icmp-quote')],
  [
    'drops an ICMPv6 quote of IP version 5',
    error6('02', QUOTED6.replace('6000', '5000')),
    dropped('icmp-quote'),
  ],
  [
    'drops an ICMPv6 quote of the other IP version',
    error6('02', QUOTED4.padEnd(120, '0')),
    dropped('icmp-quote'),
  ],
  [
    'drops an ICMPv6 error to beyond our destinations',
    error6('02', QUOTED6, '20010db8999900000000000000000001 20010db8000200000000000000000005'),
    dropped('destination'),
  ],
  [
    'drops an ICMPv6 error from a multicast address',
    error6('02', QUOTED6, 'ff020000000000000000000000000001 20010db8000100000000000000000005'),
    dropped('icmp-source'),
  ],
  [
    'drops an ICMPv6 error from the loopback address',
    error6('02', QUOTED6, '00000000000000000000000000000001 20010db8000100000000000000000005'),
    dropped('icmp-source'),
  ],
  [
    'drops an ICMPv6 error from a link-local address',
    error6('02', QUOTED6, 'fe800000000000000000000000000001 20010db8000100000000000000000005'),
    dropped('icmp-source'),
  ],
  [
    'drops an ICMPv6 error from the unspecified address',
    error6('02', QUOTED6, '00000000000000000000000000000000 20010db8000100000000000000000005'),
    dropped('icmp-source'),
  ],
  ['passes an ICMPv6 echo reply', message6('81'), PASSES_PLAIN],
  ['drops an ICMPv6 type without a meaning', message6('00'), dropped('icmpv6-type')],
  ['drops an unknown ICMPv6 error', message6('05'), dropped('icmpv6-type')],
  ['drops a multicast listener query', message6('82'), dropped('icmpv6-type')],
  ['drops an ICMPv6 router advertisement', message6('86'), dropped('icmpv6-type')],
  ['drops a neighbour solicitation', message6('87'), dropped('icmpv6-type')],
  ['drops a neighbour advertisement', message6('88'), dropped('icmpv6-type')],
  ['drops an ICMPv6 redirect', message6('89'), dropped('icmpv6-type')],
  [
    'names the type of a router solicitation rather than its addresses',
    message6('85', 'fe800000000000000000000000000001 ff020000000000000000000000000002'),
    dropped('icmpv6-type'),
  ],
  [
    'names the type of a listener report behind a router alert',
    '6000 0000 0010 0001 fe800000000000000000000000000001 ff020000000000000000000000000016 3a00 0502 0000 0100 8f00 0000 0000 0001',
    dropped('icmpv6-type'),
  ],
  [
    'drops an ICMPv6 error in a first fragment',
    '6000 0000 0010 2c40 fd8f6d53b97a00010000000000000001 20010db8000100000000000000000005 3a00 0001 00000007 0200 0000 00000500',
    dropped('icmpv6-type'),
  ],
]

for (const [title, packet, expected] of CASES) {
  test(`ICMP: ${title}`, async (t) => {
    t.same(judge(frame(NO_OFFLOAD + packet)), expected)
  })
}
