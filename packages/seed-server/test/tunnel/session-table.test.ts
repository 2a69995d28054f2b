import { duplexPair } from 'node:stream'
import { transferAddressOf } from '@reversed-vpn/ip'
import { QueueSet } from '@reversed-vpn/node-tun'
import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import { DROP_REASONS, type HelloMessage, type RejectCode, type WelcomeMessage } from '@reversed-vpn/protocol'
import { type AcceptOptions, SessionTable, StreamTable } from '@reversed-vpn/seed-server/testing'
import {
  FrameStream,
  RejectedError,
  receiveHello,
  type Session,
  type SessionPeer,
  sendHello,
  TrafficTotals,
} from '@reversed-vpn/session'
import { StreamTotals } from '@reversed-vpn/tunnel-daemon'
import t from 'tap'

const PEER = { name: 'vpn-shoot-client', fingerprint: 'AA', remoteAddress: '192.0.2.1' }
const INSTANCES = { first: '1'.repeat(32), second: '2'.repeat(32) }

interface Observed {
  readonly active: Session[]
  readonly closed: Session[]
  readonly rejected: RejectCode[]
}

function createTable(overrides: Partial<ConstructorParameters<typeof SessionTable>[0]> = {}) {
  const observed: Observed = { active: [], closed: [], rejected: [] }
  const tun = createFakeTun()
  const queues = new QueueSet(tun.device)
  const table = new SessionTable({
    tun: { queues, accepts: ['checksum'], useOffloadsOf: () => {} },
    totals: new TrafficTotals(),
    networks: { pod: ['100.96.0.0/11'], service: [], node: [] },
    seedAddresses: [transferAddressOf('192.168.123.0/24', 'seed')],
    shootAddresses: [transferAddressOf('192.168.123.0/24', 'shoot')],
    mtu: 1500,
    lanesMax: 4,
    laneSetting: { keepaliveMs: 60_000, deadAfterMs: 180_000 },
    drainTimeoutMs: 60_000,
    ...overrides,
    events: {
      onSessionOpened: () => {},
      onSessionActive: (session) => observed.active.push(session),
      onLaneOpened: () => {},
      onLaneClosed: () => {},
      onSessionClosed: (session) => observed.closed.push(session),
      onRejected: (_, code) => observed.rejected.push(code),
    },
  })
  return { table, observed, tun, [Symbol.asyncDispose]: () => table.close() }
}

/** A shoot-client's connection: says HELLO; answers PINGs once it is told to. */
async function connect(
  table: SessionTable,
  hello: Partial<HelloMessage> = {},
  from: Partial<SessionPeer> = {},
  options: AcceptOptions = {},
) {
  const [near, far] = duplexPair()
  // A socket does this by itself.
  far.once('end', () => far.end())
  const seedFrames = new FrameStream(near)
  const frames = new FrameStream(far)
  const accepted = receiveHello(seedFrames).then((message) =>
    table.accept(seedFrames, message, { ...PEER, ...from }, options),
  )
  const message: HelloMessage = {
    type: 'HELLO',
    version: 1,
    instance: INSTANCES.first,
    accepts: ['checksum'],
    mtu: 65_535,
    ...hello,
  }
  const welcome = await sendHello(frames, message)
  await accepted
  const goaways: string[] = []
  const flows: number[] = []
  let answer: () => void = () => {}
  const closed = new Promise<void>((resolve) => {
    answer = () =>
      frames.setHandler({
        onControl: (control) => {
          if (control.type === 'PING') frames.sendControl({ type: 'PONG', id: control.id })
          if (control.type === 'GOAWAY') goaways.push(control.reason)
        },
        onData: (view) => flows.push(view.copyPayload().readUInt16BE(10 + 20)),
        onStreamFrame: () => {},
        onChunkEnd: () => {},
        onClose: () => resolve(),
      })
  })
  return { welcome, frames, goaways, flows, closed, answerPings: () => answer() }
}

/** A TCP packet from the seed's transfer address to a pod, told from others by its source port. */
function tcpFrame(port: number, flags: 'syn' | 'ack'): Buffer {
  const header = '4500 0028 0000 4000 4006 0000 c0a87b01 6460000a'
  const segment = `0000 0050 00000000 00000000 50${flags === 'syn' ? '02' : '10'} ffff 0000 0000`
  const frame = Buffer.from(`${'00'.repeat(10)}${header}${segment}`.replaceAll(' ', ''), 'hex')
  frame.writeUInt16BE(port, 10 + 20)
  return frame
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

function joinOf(welcome: WelcomeMessage, lane: number): Partial<HelloMessage> {
  return { session: welcome.session, token: welcome.token, lane }
}

async function rejectionOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'accepted',
    (error: unknown) => (error instanceof RejectedError ? error.rejectCode : String(error)),
  )
}

t.test('WELCOME announces addresses, networks and the limits', async (t) => {
  await using seed = createTable()
  const { welcome } = await connect(seed.table)
  t.match(welcome, {
    lane: 0,
    lanesMax: 4,
    mtu: 1500,
    accepts: ['checksum'],
    addresses: { seed: ['192.168.123.1/24'], shoot: ['192.168.123.2/24'] },
    networks: { pod: ['100.96.0.0/11'], service: [], node: [] },
    keepaliveMs: 60_000,
    deadAfterMs: 180_000,
  })
})

t.test('a session carries nothing before its peer has answered a PING', async (t) => {
  await using seed = createTable()
  const client = await connect(seed.table)
  t.equal(seed.table.isUp, false)
  const up = seed.table.waitUntilUp(new AbortController().signal)
  client.answerPings()
  await up
  t.equal(seed.table.isUp, true)
  t.equal(seed.table.active?.id, client.welcome.session)
})

t.test('a session whose first lane gets no queue is not kept', async (t) => {
  const queues = new QueueSet(createFakeTun().device)
  queues.queue = () => {
    throw Object.assign(new Error('no descriptor is free'), { code: 'EMFILE' })
  }
  await using seed = createTable({ tun: { queues, accepts: [], useOffloadsOf: () => {} } })
  const [near] = duplexPair()
  const hello = { type: 'HELLO', version: 1, instance: INSTANCES.first, accepts: [], mtu: 1500 } as const
  t.throws(() => seed.table.accept(new FrameStream(near), hello, PEER), { code: 'EMFILE' })
  t.same(seed.table.sessions, [])
  t.ok(near.destroyed)
})

t.test('waiting for the tunnel ends with its signal', async (t) => {
  await using seed = createTable()
  const controller = new AbortController()
  const waiting = seed.table.waitUntilUp(controller.signal)
  controller.abort(new Error('the caller left'))
  await t.rejects(waiting, { message: 'the caller left' })
})

t.test('another instance takes over once it has answered, and the first is asked to leave', async (t) => {
  await using seed = createTable()
  const first = await connect(seed.table)
  first.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  const second = await connect(seed.table, { instance: INSTANCES.second })
  t.equal(seed.table.active?.id, first.welcome.session, 'a newcomer that says nothing changes nothing')
  second.answerPings()
  await until(() => first.goaways.length > 0)
  t.same(first.goaways, ['superseded'])
  t.equal(seed.table.active?.id, second.welcome.session)
  t.equal(seed.table.sessions.length, 2, 'the first may finish what it carries')
})

t.test('connections stay with the session that opened them until it ends', async (t) => {
  await using seed = createTable()
  const first = await connect(seed.table)
  first.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  const second = await connect(seed.table, { instance: INSTANCES.second })
  second.answerPings()
  await until(() => seed.table.active?.id === second.welcome.session)

  for (const frame of [tcpFrame(1, 'ack'), tcpFrame(2, 'syn'), tcpFrame(2, 'ack'), tcpFrame(1, 'ack')]) {
    seed.tun.hostSends(frame)
  }
  await until(() => first.flows.length + second.flows.length === 4)
  t.same(first.flows, [1, 1])
  t.same(second.flows, [2, 2])

  first.frames.end()
  await until(() => seed.observed.closed.length > 0)
  seed.tun.hostSends(tcpFrame(1, 'ack'))
  await until(() => second.flows.length === 3)
  t.same(second.flows, [2, 2, 1], 'what a dead session leaves goes on over the newest')
})

t.test('a superseded session ends when the drain time is over', async (t) => {
  await using seed = createTable({ drainTimeoutMs: 20 })
  const first = await connect(seed.table)
  first.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  const second = await connect(seed.table, { instance: INSTANCES.second })
  second.answerPings()
  await first.closed
  t.equal(seed.table.active?.id, second.welcome.session)
})

t.test('the same instance replaces its own session at once', async (t) => {
  await using seed = createTable()
  const first = await connect(seed.table)
  first.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  const again = await connect(seed.table)
  t.same(
    seed.observed.closed.map(({ id }) => id),
    [first.welcome.session],
  )
  t.same(
    seed.table.sessions.map(({ id }) => id),
    [again.welcome.session],
  )
})

t.test('a further lane joins with session and token, and only with both', async (t) => {
  await using seed = createTable()
  const { welcome } = await connect(seed.table)
  const joined = await connect(seed.table, joinOf(welcome, 2))
  t.equal(joined.welcome.lane, 2)
  t.equal(joined.welcome.session, welcome.session)
  t.same([...(seed.table.sessions[0]?.lanes.keys() ?? [])], [0, 2])

  const forged = { ...joinOf(welcome, 1), token: 'f'.repeat(64) }
  t.equal(await rejectionOf(connect(seed.table, forged)), 'unknown-session')
  const unknown = { ...joinOf(welcome, 1), session: 'f'.repeat(32) }
  t.equal(await rejectionOf(connect(seed.table, unknown)), 'unknown-session')
  t.equal(
    await rejectionOf(connect(seed.table, joinOf(welcome, 1), { name: 'somebody-else' })),
    'unknown-session',
  )
  t.equal(await rejectionOf(connect(seed.table, joinOf(welcome, 4))), 'lane-out-of-range')
  t.same(seed.observed.rejected, [
    'unknown-session',
    'unknown-session',
    'unknown-session',
    'lane-out-of-range',
  ])
})

t.test('a connection that was dialled for a further lane begins no session', async (t) => {
  await using seed = createTable()
  const first = await connect(seed.table)
  const stranger = connect(seed.table, { instance: INSTANCES.second }, {}, { mustJoin: true })
  t.equal(await rejectionOf(stranger), 'unknown-session')
  t.equal(seed.table.sessions.length, 1)
  const joined = await connect(seed.table, joinOf(first.welcome, 1), {}, { mustJoin: true })
  t.equal(joined.welcome.lane, 1)
})

t.test('a lane that takes a held index lets the old one carry until it has answered', async (t) => {
  await using seed = createTable()
  const first = await connect(seed.table)
  first.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  const successor = await connect(seed.table, joinOf(first.welcome, 0))
  t.equal(seed.table.isUp, true, 'the old lane still carries')
  successor.answerPings()
  await first.closed
  t.equal(seed.table.isUp, true)
  t.equal(seed.observed.closed.length, 0)
})

t.test('a session ends with its last lane', async (t) => {
  await using seed = createTable()
  const client = await connect(seed.table)
  client.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  client.frames.end()
  await until(() => seed.observed.closed.length > 0)
  t.equal(seed.table.isUp, false)
  t.equal(seed.table.active, undefined)
})

t.test(
  'a peer inside the networks that it opens up is refused: its connection would run through itself',
  async (t) => {
    await using seed = createTable()
    t.equal(await rejectionOf(connect(seed.table, {}, { remoteAddress: '100.96.0.10' })), 'networks')
  },
)

t.test(
  'a client behind a proxy is judged by where the proxy is, whatever that says of the client',
  async (t) => {
    await using seed = createTable()
    const proxyAddress = '192.0.2.9'
    const client = await connect(seed.table, {}, { remoteAddress: '100.96.0.10', proxyAddress })
    t.equal(seed.table.sessions.length, 1, 'a private link shows the addresses of the nodes behind it')
    t.same(seed.table.peerAddresses, [proxyAddress], 'a reload to these networks is no conflict either')
    t.equal(seed.table.sessions[0]?.peer.remoteAddress, '100.96.0.10', 'the label stays')
    const inside = { remoteAddress: '203.0.113.1', proxyAddress: '100.96.0.10' }
    t.equal(await rejectionOf(connect(seed.table, {}, inside)), 'networks')
    client.frames.end()
  },
)

t.test('a table that closes tells its peers and takes no more', async (t) => {
  const seed = createTable()
  const client = await connect(seed.table)
  client.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  const closing = seed.table.close()
  t.equal(await rejectionOf(connect(seed.table)), 'shutting-down')
  await Promise.all([closing, client.closed])
  t.equal(seed.table.sessions.length, 0)
})

t.test('other networks count at once, and are told to the lane that is asked for', async (t) => {
  await using seed = createTable()
  const { welcome, goaways, answerPings } = await connect(seed.table)
  answerPings()
  await until(() => seed.observed.active.length === 1)
  t.same(dropsOf(seed, 10), ['destination'])
  seed.table.setNetworks({ pod: ['10.0.0.0/8'], service: [], node: [] })
  t.same(dropsOf(seed, 10), [], 'a packet to the new network passes')
  t.same(dropsOf(seed, 100), ['destination'], 'one to the old network does not')
  await until(() => goaways.length > 0)
  t.same(goaways, ['rotate-age'])
  const joined = await connect(seed.table, joinOf(welcome, 0))
  t.same(joined.welcome.networks, { pod: ['10.0.0.0/8'], service: [], node: [] })
  t.equal(joined.welcome.session, welcome.session)
  t.equal(await rejectionOf(connect(seed.table, {}, { remoteAddress: '10.1.1.1' })), 'networks')
})

t.test('lanes that are not replaced in time are ended, those that are stay', async (t) => {
  await using seed = createTable()
  const first = await connect(seed.table)
  first.answerPings()
  await until(() => seed.observed.active.length === 1)
  const second = await connect(seed.table, joinOf(first.welcome, 1))
  second.answerPings()
  seed.table.renewLanes(50)
  const successor = await connect(seed.table, joinOf(first.welcome, 1))
  successor.answerPings()
  await Promise.all([first.closed, second.closed])
  t.same([...(seed.table.active?.lanes.keys() ?? [])], [1], 'the one that came since')
  t.equal(seed.observed.closed.length, 0)
})

/** Why a packet to `FIRST.96.0.10` would be dropped by the lane that carries, if it would. */
function dropsOf(seed: ReturnType<typeof createTable>, first: number): string[] {
  const [lane] = seed.table.active?.lanes.values() ?? []
  const before = [...(lane?.counters.toPeer.drops ?? [])]
  const frame = tcpFrame(1, 'syn')
  frame[10 + 16] = first
  lane?.sendPayload(frame)
  const after = lane?.counters.toPeer.drops ?? []
  return DROP_REASONS.filter((_, reason) => (after[reason] ?? 0) > (before[reason] ?? 0))
}

t.test('a WELCOME that cannot be sent is answered with REJECT and leaves no session behind', async (t) => {
  const pod = Array.from({ length: 257 }, (_, index) => `10.${index >> 7}.${(index & 127) * 2}.0/24`)
  await using seed = createTable({ networks: { pod, service: [], node: [] } })
  await t.rejects(connect(seed.table), { message: /internal, WELCOME could not be sent/ })
  t.same(seed.table.sessions, [])
  t.match(seed.observed, { rejected: ['internal'], closed: { length: 1 } })
})

t.test(
  'a peer that carries nothing of what this side carries is rejected with both in the reason',
  async (t) => {
    const carries = ['streams'] as const
    const streams = new StreamTable({
      carries,
      maxStreams: 10,
      windowBytes: 2 ** 20,
      holdMs: 1000,
      totals: new StreamTotals(),
    })
    await using seed = createTable({ carries, streams })
    const reason = 'the seed side carries streams only, the shoot side packets only (--carry)'
    await t.rejects(connect(seed.table), {
      rejectCode: 'version',
      message: new RegExp(reason.replace(/[()]/g, '.')),
    })
    await using other = createTable()
    await t.rejects(connect(other.table, { carries }), { message: /the seed side carries packets only/ })
    t.same(other.table.sessions, [])
  },
)

t.test('a session without packets does not read the TUN, and its peer may be in the networks', async (t) => {
  const carries = ['packets', 'streams'] as const
  const streams = new StreamTable({
    carries,
    maxStreams: 10,
    windowBytes: 2 ** 20,
    holdMs: 1000,
    totals: new StreamTotals(),
  })
  const offloads: unknown[] = []
  const tun = createFakeTun()
  const queues = new QueueSet(tun.device)
  await using seed = createTable({
    carries,
    streams,
    tun: { queues, accepts: [], useOffloadsOf: (kinds) => offloads.push(kinds) },
  })
  const client = await connect(seed.table, { carries: ['streams'] }, { remoteAddress: '100.96.0.77' })
  t.strictSame(client.welcome.carries, ['streams'])
  client.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  t.ok(seed.table.active && streams.of(seed.table.active), 'streams go there')
  t.ok(tun.hostSends(tcpFrame(40_000, 'syn')))
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(queues.queue(0).readBatch(new Uint8Array(70_000), 0, new Uint32Array(4)), 1, 'the packet waits')
  t.same([offloads, client.flows], [[], []])
})

t.test('streams of a process without a lane end once another one is active, others do not', async (t) => {
  const carries = ['packets', 'streams'] as const
  const totals = new StreamTotals()
  const streams = new StreamTable({ carries, maxStreams: 10, windowBytes: 2 ** 20, holdMs: 600_000, totals })
  await using seed = createTable({ carries, streams })
  const killed = await connect(seed.table, { carries })
  killed.answerPings()
  await seed.table.waitUntilUp(new AbortController().signal)
  const { active } = seed.table
  const multiplexer = active && streams.of(active)
  if (multiplexer === undefined) throw new Error('the session carries no streams')
  const request = { host: '100.96.0.10', port: 80, isName: false }
  const opening = multiplexer.open(request, { signal: new AbortController().signal })
  active?.abort(new Error('killed'))
  await until(() => seed.table.sessions.length === 0)
  t.equal(streams.multiplexers.length, 1, 'it may come back')
  const next = await connect(seed.table, { carries, instance: INSTANCES.second })
  t.equal(streams.multiplexers.length, 2, 'a newcomer that says nothing changes nothing')
  next.answerPings()
  await t.rejects(opening, { message: 'this side reset the stream: lanes-lost' })
  t.equal(streams.multiplexers.length, 1)
})
