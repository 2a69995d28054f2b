import { flowHash, opensTcpFlow, tcpFlowOf } from '@reversed-vpn/protocol'
import fc from 'fast-check'
import t from 'tap'
import { hex } from '../hex.js'

const NO_HEADER = '00000000000000000000'

interface Flow4 {
  readonly source: string
  readonly destination: string
  readonly ports: string
  readonly protocol?: string
  readonly fragment?: string
}

/** An IPv4 packet of 28 bytes behind its virtio-net header, as far as a flow is told by it. */
function ipv4({ source, destination, ports, protocol = '11', fragment = '0000' }: Flow4): Uint8Array {
  return hex(
    `${NO_HEADER} 4500001c 0000${fragment} 40${protocol}0000 ${source} ${destination} ${ports} 00080000`,
  )
}

function ipv6(source: string, destination: string, ports: string, protocol = '06'): Uint8Array {
  const end = '000000000000000050000000 00000000'
  return hex(`${NO_HEADER} 60000000 0014${protocol}40 ${source} ${destination} ${ports} ${end}`)
}

const SEED = 'c0a87b01'
const POD = '64600102'
const SEED6 = 'fd8f6d53b97a00010000000000000001'
const POD6 = 'fd000010009600010000000000000002'

t.test('both directions of a flow are one', async (t) => {
  const there = ipv4({ source: SEED, destination: POD, ports: '89090050' })
  const back = ipv4({ source: POD, destination: SEED, ports: '00508909' })
  t.equal(flowHash(there, 0), flowHash(back, 0))
  t.equal(flowHash(ipv6(SEED6, POD6, '89090050'), 0), flowHash(ipv6(POD6, SEED6, '00508909'), 0))
})

t.test('ports tell TCP and UDP apart from each other and from other ports', async (t) => {
  const hashes = [
    ipv4({ source: SEED, destination: POD, ports: '89090050' }),
    ipv4({ source: SEED, destination: POD, ports: '890a0050' }),
    ipv4({ source: SEED, destination: POD, ports: '89090050', protocol: '06' }),
    ipv6(SEED6, POD6, '89090050'),
    ipv6(SEED6, POD6, '890a0050'),
  ].map((packet) => flowHash(packet, 0))
  t.equal(new Set(hashes).size, hashes.length)
})

t.test('what has no ports goes by its addresses', async (t) => {
  const echo = (rest: string) => ipv4({ source: SEED, destination: POD, ports: rest, protocol: '01' })
  t.equal(flowHash(echo('0800aaaa'), 0), flowHash(echo('0800bbbb'), 0), 'ICMP, whatever its checksum')
  const fragment = (offset: string, data: string) =>
    ipv4({ source: SEED, destination: POD, ports: data, fragment: offset })
  t.equal(
    flowHash(fragment('2000', '89090050'), 0),
    flowHash(fragment('00b9', 'ffffffff'), 0),
    'all fragments',
  )
  t.equal(flowHash(ipv6(SEED6, POD6, '11110000', '3a'), 0), flowHash(ipv6(SEED6, POD6, '22220000', '3a'), 0))
})

t.test('where the packet lies makes no difference', async (t) => {
  const packet = ipv4({ source: SEED, destination: POD, ports: '89090050' })
  const shifted = new Uint8Array(packet.length + 7)
  shifted.set(packet, 7)
  t.equal(flowHash(shifted, 7), flowHash(packet, 0))
})

t.test('flows that differ in a port alone are spread evenly', async (t) => {
  const port = fc.integer({ min: 0, max: 0xffff })
  const buckets = new Uint32Array(16)
  fc.assert(
    fc.property(port, (number) => {
      const ports = `${number.toString(16).padStart(4, '0')}0050`
      const hash = flowHash(ipv4({ source: SEED, destination: POD, ports, protocol: '06' }), 0)
      buckets[hash & 15] = (buckets[hash & 15] ?? 0) + 1
    }),
    { numRuns: 1600, seed: 1 },
  )
  t.ok(Math.max(...buckets) < 200, `${buckets.join(', ')}: 100 each on average`)
})

t.test('a TCP connection is named by its destination and both ports, in both families', async (t) => {
  const tcp = (more: Partial<Flow4>) =>
    Buffer.from(ipv4({ source: SEED, destination: POD, ports: '89090050', protocol: '06', ...more }))
  t.equal(tcpFlowOf(tcp({}), 0), tcpFlowOf(tcp({ source: POD }), 0), 'the source address is not looked at')
  const others = [tcp({}), tcp({ destination: SEED }), tcp({ ports: '890a0050' }), tcp({ ports: '89090051' })]
  const six = [ipv6(SEED6, POD6, '89090050'), ipv6(SEED6, SEED6, '89090050'), ipv6(SEED6, POD6, '00508909')]
  const flows = [...others, ...six.map((packet) => Buffer.from(packet))].map((packet) => tcpFlowOf(packet, 0))
  t.equal(new Set(flows).size, 7)
  t.notOk(flows.includes(undefined))
})

t.test('what is not TCP, or a fragment, belongs to no connection', async (t) => {
  const packets = [
    ipv4({ source: SEED, destination: POD, ports: '89090050' }),
    ipv4({ source: SEED, destination: POD, ports: '89090050', protocol: '06', fragment: '2000' }),
    ipv4({ source: SEED, destination: POD, ports: '89090050', protocol: '06', fragment: '0003' }),
    ipv6(SEED6, POD6, '89090050', '11'),
  ]
  for (const packet of packets) {
    t.equal(tcpFlowOf(Buffer.from(packet), 0), undefined)
    t.notOk(opensTcpFlow(packet, 0))
  }
})

t.test('SYN without ACK opens a connection', async (t) => {
  const packet = ipv6(SEED6, POD6, '89090050')
  for (const [flags, opens] of [
    [0x02, true],
    [0xc2, true],
    [0x12, false],
    [0x10, false],
    [0x04, false],
  ] as const) {
    packet[10 + 40 + 13] = flags
    t.equal(opensTcpFlow(packet, 0), opens, flags.toString(16))
  }
})
