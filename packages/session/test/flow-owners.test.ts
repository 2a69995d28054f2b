import { FlowOwners } from '@reversed-vpn/session'
import t from 'tap'

const FLAGS = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 }
const A = { name: 'a' }
const B = { name: 'b' }

type Transport = 'tcp' | 'udp'

/** A packet of a flow that is told by its port in the seed, behind a virtio-net header. */
function packet(to: 'shoot' | 'seed', transport: Transport, port: number, flags = FLAGS.ack): Buffer {
  const bytes = Buffer.alloc(10 + 40)
  bytes.set([0x45, 0, 0, 40, 0, 0, 0, 0, 64, transport === 'tcp' ? 6 : 17], 10)
  const [seed, pod] = [
    [192, 168, 123, 1],
    [100, 96, 1, 2],
  ] as const
  bytes.set(to === 'shoot' ? [...seed, ...pod] : [...pod, ...seed], 22)
  bytes.writeUInt16BE(to === 'shoot' ? port : 80, 30)
  bytes.writeUInt16BE(to === 'shoot' ? 80 : port, 32)
  bytes[43] = flags
  return bytes
}

function createOwners() {
  const owners = new FlowOwners<typeof A>()
  return {
    claim: (owner: typeof A, transport: Transport, port: number, { flags = FLAGS.ack, nowMs = 0 } = {}) =>
      owners.claim(owner, packet('shoot', transport, port, flags), 0, nowMs),
    ownerOf: (transport: Transport, port: number, { flags = FLAGS.ack, nowMs = 0 } = {}) =>
      owners.ownerOf(packet('seed', transport, port, flags), 0, nowMs),
    owners,
  }
}

t.test('an answer goes to whom its flow came from', async (t) => {
  const { claim, ownerOf } = createOwners()
  t.ok(
    claim(A, 'tcp', 1, { flags: FLAGS.syn }) &&
      claim(B, 'tcp', 2, { flags: FLAGS.syn }) &&
      claim(B, 'udp', 1),
  )
  t.strictSame(
    [ownerOf('tcp', 1), ownerOf('tcp', 2), ownerOf('udp', 1), ownerOf('udp', 2)],
    [A, B, B, undefined],
  )
})

t.test('a datagram of another takes the flow over', async (t) => {
  const { claim, ownerOf } = createOwners()
  t.ok(claim(A, 'udp', 1) && claim(B, 'udp', 1))
  t.equal(ownerOf('udp', 1), B)
})

t.test('a TCP connection is nobody else to use while it is open', async (t) => {
  const { claim, ownerOf } = createOwners()
  claim(A, 'tcp', 1, { flags: FLAGS.syn })
  t.notOk(claim(B, 'tcp', 1, { flags: FLAGS.syn, nowMs: 119_000 }))
  t.equal(ownerOf('tcp', 1, { nowMs: 119_000 }), A)
  t.notOk(claim(B, 'tcp', 1, { flags: FLAGS.syn, nowMs: 238_000 }), 'an answer keeps it, too')
})

for (const [what, end] of [
  ['the shoot has ended it', ({ ownerOf }) => ownerOf('tcp', 1, { flags: FLAGS.fin | FLAGS.ack })],
  ['the shoot has reset it', ({ ownerOf }) => ownerOf('tcp', 1, { flags: FLAGS.rst })],
  ['the seed has ended it', ({ claim }) => claim(A, 'tcp', 1, { flags: FLAGS.fin | FLAGS.ack })],
] satisfies [string, (rig: ReturnType<typeof createOwners>) => unknown][]) {
  t.test(`the ports are free when ${what}`, async (t) => {
    const rig = createOwners()
    rig.claim(A, 'tcp', 1, { flags: FLAGS.syn })
    end(rig)
    t.ok(rig.claim(B, 'tcp', 1, { flags: FLAGS.syn }))
    t.equal(rig.ownerOf('tcp', 1), B)
  })
}

t.test('the ports are free when the connection was silent for two minutes', async (t) => {
  const { claim, ownerOf } = createOwners()
  claim(A, 'tcp', 1, { flags: FLAGS.syn })
  t.ok(claim(B, 'tcp', 1, { flags: FLAGS.syn, nowMs: 120_000 }))
  t.equal(ownerOf('tcp', 1), B)
})

t.test('who opens a connection anew on ports of its own has them for itself again', async (t) => {
  const { claim } = createOwners()
  claim(A, 'tcp', 1, { flags: FLAGS.fin })
  claim(A, 'tcp', 1, { flags: FLAGS.syn })
  t.notOk(claim(B, 'tcp', 1, { flags: FLAGS.syn }))
})

t.test('one that is gone has no flows', async (t) => {
  const { claim, ownerOf, owners } = createOwners()
  claim(A, 'tcp', 1)
  claim(B, 'tcp', 2)
  owners.forget(A)
  t.strictSame([ownerOf('tcp', 1), ownerOf('tcp', 2)], [undefined, B])
  owners.clear()
  t.equal(ownerOf('tcp', 2), undefined)
})

t.test('later fragments go where the first one went', async (t) => {
  const { claim, owners } = createOwners()
  claim(A, 'udp', 1)
  claim(B, 'udp', 2)
  const [first, later] = [packet('seed', 'udp', 2), packet('seed', 'udp', 9999)]
  first.writeUInt16BE(0x2000, 16)
  later.writeUInt16BE(0x00b9, 16)
  t.equal(owners.ownerOf(later, 0, 0), undefined)
  t.equal(owners.ownerOf(first, 0, 0), B)
  t.equal(owners.ownerOf(later, 0, 0), B)
})

t.test('there is room for so many flows, and the oldest is forgotten', async (t) => {
  const { claim, ownerOf, owners } = createOwners()
  claim(A, 'udp', 1)
  const flood = packet('shoot', 'udp', 0)
  for (let i = 0; i < 131_072; i++) {
    flood.writeUInt32BE(i, 10 + 16)
    owners.claim(B, flood, 0, 0)
  }
  t.equal(ownerOf('udp', 1), undefined)
  t.ok(claim(A, 'udp', 1))
  t.equal(ownerOf('udp', 1), A)
})
