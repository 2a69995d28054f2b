import { type Duplex, duplexPair } from 'node:stream'
import { QueueSet } from '@reversed-vpn/node-tun'
import { createFakeTun, type FakeTun } from '@reversed-vpn/node-tun/testing'
import type { HelloMessage } from '@reversed-vpn/protocol'
import { FrameStream, receiveHello, TrafficTotals } from '@reversed-vpn/session'
import { SeedServers, SessionManager } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

const NETWORKS = { pod: ['100.96.0.0/11'], service: [], node: [] }
const TIMING = { keepaliveMs: 60_000, deadAfterMs: 180_000 }

/** One connection of a seed-server, which answers HELLO with WELCOME and every PING. */
interface Dialled {
  readonly hello: Promise<HelloMessage>
  /** Fails as `SeedServers.accept` does. */
  readonly accepted: Promise<void>
  readonly frames: FrameStream
  /** Destination ports of the packets that came. */
  readonly ports: number[]
  end(): Promise<void>
}

function createRig({ keepMs = 60_000 } = {}) {
  const tun = createFakeTun()
  const left: unknown[] = []
  const opened: string[] = []
  const noted = new Set<() => void>()
  const note = () => {
    for (const wake of noted) wake()
  }
  const seedServers = new SeedServers({
    tun: { accepts: [], queues: new QueueSet(tun.device), useOffloadsOf: () => {} },
    forwarding: {
      apply: async () => NETWORKS,
      follow: async () => NETWORKS,
      networksOf: () => NETWORKS,
      leave: (owner) => left.push(owner),
    },
    events: {
      onDialFailed: () => {},
      onSessionOpened: ({ id }) => opened.push(id),
      onLaneOpened: () => {},
      onLaneClosed: note,
      onSessionClosed: note,
      onSuperseded: () => {},
    },
    createManager: (parts) =>
      new SessionManager({
        instance: 'c'.repeat(32),
        peer: undefined,
        peerName: 'vpn-seed-server',
        totals: new TrafficTotals(),
        lanes: 1,
        laneSetting: { congestion: undefined, ...TIMING },
        software: 'test',
        backoff: { minMs: 1, maxMs: 5 },
        ...parts,
      }),
    keepMs,
  })
  const dial = (diallerId: string | undefined, session: string): Dialled => {
    const [near, far] = duplexPair() as [Duplex, Duplex]
    near.once('close', () => far.destroy())
    const frames = new FrameStream(far)
    const ports: number[] = []
    const peer = { name: 'vpn-seed-server', remoteAddress: '192.0.2.1', diallerId }
    const accepted = seedServers.accept(new FrameStream(near), peer)
    const hello = receiveHello(frames).then((message) => {
      frames.sendControl({
        type: 'WELCOME',
        version: 1,
        session: message.session ?? session.repeat(32),
        token: session.repeat(64),
        lane: message.lane ?? 0,
        lanesMax: 4,
        mtu: 1500,
        accepts: [],
        addresses: { seed: ['192.168.123.1/24'], shoot: ['192.168.123.2/24'] },
        networks: NETWORKS,
        ...TIMING,
      })
      frames.setHandler({
        onControl: (control) => {
          if (control.type === 'PING') frames.sendControl({ type: 'PONG', id: control.id })
        },
        onData: (view) =>
          ports.push(Buffer.from(view.prefix(38, Buffer.alloc(38))).readUInt16BE(view.prefixOffset + 32)),
        onStreamFrame: () => {},
        onChunkEnd: () => {},
        onClose: () => frames.end(),
      })
      return message
    })
    hello.catch(() => {})
    accepted.catch(() => {})
    const end = async () => {
      const count = seedServers.sessions.length
      frames.abort()
      near.destroy()
      while (seedServers.sessions.length === count) await new Promise((resolve) => setImmediate(resolve))
    }
    return { hello, accepted, frames, ports, end }
  }
  const open = async (diallerId: string | undefined, session: string) => {
    const dialled = dial(diallerId, session)
    await dialled.accepted
    return dialled
  }
  return { seedServers, tun, dial, open, left, opened, [Symbol.asyncDispose]: () => seedServers.stop() }
}

const idOf = (digit: number | string) => String(digit).repeat(32)

/** A datagram between port 80 of a pod and a port in the seed, behind its virtio-net header. */
function datagram(to: 'shoot' | 'seed', port: number): Buffer {
  const bytes = Buffer.alloc(38)
  bytes.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0], 10)
  const [seed, pod] = [
    [192, 168, 123, 1],
    [100, 96, 1, 2],
  ] as const
  bytes.set(to === 'shoot' ? [...seed, ...pod] : [...pod, ...seed], 22)
  bytes.writeUInt16BE(to === 'shoot' ? port : 80, 30)
  bytes.writeUInt16BE(to === 'shoot' ? 80 : port, 32)
  bytes.writeUInt16BE(8, 34)
  return bytes
}

/** A DATA frame of the protocol. */
function frameOf(payload: Buffer): Buffer {
  const header = Buffer.alloc(4)
  header.writeUIntBE(payload.length, 1, 3)
  return Buffer.concat([header, payload])
}

/** Waits until so many packets have been written to the device. */
async function untilWritten(tun: FakeTun, count: number): Promise<void> {
  let written = 0
  await until(() => {
    written += tun.takeReceived().length
    return written === count
  })
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

t.test('each seed-server has a session of its own', async (t) => {
  await using rig = createRig()
  const [a, b] = [await rig.open(idOf(1), 'a'), await rig.open(idOf(2), 'b')]
  t.notOk('session' in (await a.hello) || 'session' in (await b.hello))
  t.match(rig.seedServers.sessions, [
    { id: idOf('a'), peer: { diallerId: idOf(1) } },
    { id: idOf('b'), peer: { diallerId: idOf(2) } },
  ])
})

t.test('a further connection joins the session of the seed-server that it comes from', async (t) => {
  await using rig = createRig()
  await rig.open(idOf(1), 'a')
  await rig.open(idOf(2), 'b')
  const further = [await rig.open(idOf(1), '0'), await rig.open(idOf(2), '0')]
  const hellos = await Promise.all(further.map(({ hello }) => hello))
  t.match(hellos, [
    { session: idOf('a'), token: 'a'.repeat(64), lane: 1 },
    { session: idOf('b'), token: 'b'.repeat(64), lane: 1 },
  ])
  t.equal(rig.opened.length, 2)
})

t.test('those that do not say who they are share one session, as ever', async (t) => {
  await using rig = createRig()
  await rig.open(undefined, 'a')
  t.match(await (await rig.open(undefined, 'b')).hello, { session: idOf('a') })
})

t.test('a ninth is refused in words while eight have sessions, and served when one has none', async (t) => {
  await using rig = createRig()
  const held = []
  for (let i = 0; i < 8; i++) held.push(await rig.open(idOf(i), String(i)))
  const ninth = rig.dial(idOf(9), '9')
  await t.rejects(ninth.accepted, { code: 'ERR_TOO_MANY_SESSIONS', message: /^8 seed-servers/ })
  await t.rejects(ninth.hello, { code: 'ERR_PEER_REJECTED', message: /internal, 8 seed-servers/ })
  await held[3]?.end()
  await rig.open(idOf(9), '9')
  t.equal(rig.seedServers.sessions.length, 8)
})

t.test('answers go to the seed-server that their flow came from, whoever reads them', async (t) => {
  await using rig = createRig()
  const [a, b] = [await rig.open(idOf(1), 'a'), await rig.open(idOf(2), 'b')]
  const ports = Array.from({ length: 20 }, (_, i) => 40_000 + i)
  for (const port of ports) (port % 2 === 0 ? a : b).frames.stream.write(frameOf(datagram('shoot', port)))
  await untilWritten(rig.tun, ports.length)
  for (const port of ports) t.ok(rig.tun.hostSends(datagram('seed', port)))
  await until(() => a.ports.length + b.ports.length === ports.length)
  t.strictSame(
    a.ports.toSorted(),
    ports.filter((port) => port % 2 === 0),
  )
  t.strictSame(
    b.ports.toSorted(),
    ports.filter((port) => port % 2 === 1),
  )
})

t.test('what is of no known flow goes to the one that was there first', async (t) => {
  await using rig = createRig()
  const [a, b] = [await rig.open(idOf(1), 'a'), await rig.open(idOf(2), 'b')]
  for (let i = 0; i < 20; i++) rig.tun.hostSends(datagram('seed', 40_000 + i))
  await until(() => a.ports.length === 20)
  t.equal(b.ports.length, 0)
})

t.test('while one is away its flows wait for it, and nobody else gets their packets', async (t) => {
  await using rig = createRig()
  const [a, b] = [await rig.open(idOf(1), 'a'), await rig.open(idOf(2), 'b')]
  a.frames.stream.write(frameOf(datagram('shoot', 40_000)))
  b.frames.stream.write(frameOf(datagram('shoot', 40_001)))
  await untilWritten(rig.tun, 2)
  await a.end()
  t.equal(rig.left.length, 1)
  for (const port of [40_000, 40_001]) rig.tun.hostSends(datagram('seed', port))
  await until(() => b.ports.length > 0)
  const again = await rig.open(idOf(1), 'c')
  for (const port of [40_000, 40_001]) rig.tun.hostSends(datagram('seed', port))
  await until(() => again.ports.length > 0 && b.ports.length > 1)
  t.strictSame([again.ports, b.ports], [[40_000], [40_001, 40_001]])
})

t.test('one that does not come back is forgotten, and the other has all to itself', async (t) => {
  await using rig = createRig({ keepMs: 10 })
  const [a, b] = [await rig.open(idOf(1), 'a'), await rig.open(idOf(2), 'b')]
  a.frames.stream.write(frameOf(datagram('shoot', 40_000)))
  await untilWritten(rig.tun, 1)
  await a.end()
  await new Promise((resolve) => setTimeout(resolve, 50))
  rig.tun.hostSends(datagram('seed', 40_000))
  await until(() => b.ports.length === 1)
  t.strictSame(b.ports, [40_000])
})
