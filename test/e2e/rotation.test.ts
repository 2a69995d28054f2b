import { EventEmitter, once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { transferAddressOf } from '@reversed-vpn/ip'
import { QueueSet } from '@reversed-vpn/node-tun'
import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import { loadTlsMaterial, type TlsMaterial } from '@reversed-vpn/secure'
import { SessionTable, TunnelDialler } from '@reversed-vpn/seed-server/testing'
import { directTransport, type Session, TrafficTotals, TunnelListener } from '@reversed-vpn/session'
import { SessionManager } from '@reversed-vpn/shoot-client/testing'
import { type KeyPair, Pki, seedServerRequest, shootClientRequest } from '@reversed-vpn/test/lab'
import { PeerDialler } from '@reversed-vpn/tunnel-daemon'
import t from 'tap'

const NETWORKS = { pod: ['100.96.0.0/11'], service: [], node: [] }
const SEED_ADDRESSES = [transferAddressOf('192.168.123.0/24', 'seed')]
const SHOOT_ADDRESSES = [transferAddressOf('192.168.123.0/24', 'shoot')]
/** Longer than both lanes take to come up, on a machine that others keep busy as well. */
const ROTATE_AFTER_MS = 1500
const KEEPALIVE = { keepaliveMs: 20, deadAfterMs: 5000 }

await using pki = await Pki.create()
const authority = await pki.authority('both')
const material = ({ certFile, keyFile }: KeyPair): TlsMaterial =>
  loadTlsMaterial({ certFile, keyFile, caFile: authority.certFile })
const seedTls = material(await authority.issue({ ...seedServerRequest(), usage: 'both' }))
const shootTls = material(await authority.issue({ ...shootClientRequest(), usage: 'both' }))

interface PairOptions {
  readonly lanes: number
  /** The side that wants its lanes replaced when they are `ROTATE_AFTER_MS` old. */
  readonly rotates?: 'dialled' | 'listens'
}

/** Both ends in this process, the seed side dialling over TLS on the loopback; `events` tells what happens. */
async function createPair({ lanes, rotates }: PairOptions) {
  const rotation = (side: typeof rotates) => (rotates === side ? { rotateAfterMs: ROTATE_AFTER_MS } : {})
  const events = new EventEmitter()
  const totals = new TrafficTotals()
  const queues = () => new QueueSet(createFakeTun().device)
  const table = new SessionTable({
    tun: { queues: queues(), accepts: [], useOffloadsOf: () => {} },
    totals,
    networks: NETWORKS,
    seedAddresses: SEED_ADDRESSES,
    shootAddresses: SHOOT_ADDRESSES,
    mtu: 1500,
    lanesMax: 4,
    laneSetting: { ...KEEPALIVE, ...rotation('dialled') },
    drainTimeoutMs: 1000,
    events: {
      onSessionOpened: () => events.emit('opened'),
      onSessionActive: (session) => events.emit('active', session),
      onLaneOpened: () => {},
      onLaneClosed: () => {},
      onSessionClosed: () => events.emit('closed'),
      onRejected: (_, code) => events.emit('rejected', code),
    },
  })
  const network = async () => NETWORKS
  const manager = new SessionManager({
    instance: 'c'.repeat(32),
    peer: undefined,
    peerName: 'vpn-seed-server',
    tun: { queues: queues(), accepts: [], useOffloadsOf: () => {} },
    network: { apply: network, follow: network },
    totals,
    lanes,
    laneSetting: { ...KEEPALIVE, ...rotation('listens') },
    software: 'test',
    backoff: { minMs: 1, maxMs: 5 },
    events: {
      onDialFailed: () => {},
      onSessionOpened: () => {},
      onLaneOpened: (_, lane) => events.emit('lane-up', lane),
      onLaneClosed: () => {},
      onSessionClosed: () => {},
      onSuperseded: () => {},
    },
  })
  const listener = new TunnelListener({
    tls: shootTls,
    peerName: 'vpn-seed-server',
    deadAfterMs: KEEPALIVE.deadAfterMs,
    onPeer: (frames, { remoteAddress }) => manager.accept(frames, remoteAddress),
    onRefused: (refusal) => events.emit('refused', refusal),
  })
  listener.server.listen(0, '127.0.0.1')
  await once(listener.server, 'listening')
  const { port } = listener.server.address() as AddressInfo
  const dialler = new TunnelDialler({
    table,
    peer: new PeerDialler({
      transport: directTransport({ host: '127.0.0.1', port }),
      tls: { material: seedTls },
      peerName: 'vpn-shoot-client',
      congestion: undefined,
      deadAfterMs: KEEPALIVE.deadAfterMs,
    }),
    backoff: { minMs: 1, maxMs: 5 },
    events: { onDialFailed: (_, error) => events.emit('failed', error) },
  })
  const closed = { count: 0 }
  events.on('closed', () => closed.count++)
  dialler.start()
  return {
    table,
    manager,
    events,
    closed,
    async [Symbol.asyncDispose]() {
      await dialler.stop()
      listener.close()
      await Promise.all([table.close(), manager.stop()])
    },
  }
}

/** Resolves when that many lanes have come up, the ones that took another's place included. */
async function lanesUp(events: EventEmitter, wanted: number): Promise<void> {
  for (let seen = 0; seen < wanted; seen++) await once(events, 'lane-up')
}

function indexesOf(session: Session | undefined): number[] {
  return [...(session?.lanes.keys() ?? [])].sort()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

t.test('the seed side dials as many lanes as HELLO asks for, below its own bound', async (t) => {
  await using pair = await createPair({ lanes: 9 })
  await lanesUp(pair.events, 4)
  await until(() => indexesOf(pair.table.active).length === 4)
  t.same(indexesOf(pair.table.active), [0, 1, 2, 3])
  t.same(indexesOf(pair.manager.session), [0, 1, 2, 3])
})

for (const side of ['listens', 'dialled'] as const) {
  t.test(
    `a lane that the side which ${side} wants replaced is dialled anew, make before break`,
    async (t) => {
      await using pair = await createPair({ lanes: 2, rotates: side })
      await lanesUp(pair.events, 2)
      const before = new Map(pair.manager.session?.lanes)
      const session = pair.table.active?.id
      let wasDown = false
      const watch = setInterval(() => {
        wasDown ||= !pair.table.isUp
      }, 1)
      await lanesUp(pair.events, 2)
      await until(() => [...before.values()].every((lane) => lane.isDown))
      clearInterval(watch)
      t.notOk(wasDown, 'packets had a way all the time')
      t.same(indexesOf(pair.table.active), [0, 1], 'with the same indexes')
      t.equal(pair.table.active?.id, session)
      t.equal(pair.closed.count, 0)
    },
  )
}

t.test(
  'a replacement that comes before the request for it gets another index, and the old lane goes',
  async (t) => {
    await using pair = await createPair({ lanes: 2 })
    await lanesUp(pair.events, 2)
    await until(() => indexesOf(pair.table.active).length === 2)
    const old = pair.manager.session?.lanes.get(1)
    // Only the seed side hears of it: the one that chooses the index does not know yet.
    old?.sendGoAway('rotate-age', true)
    await lanesUp(pair.events, 1)
    await until(() => old?.isDown === true)
    await until(() => indexesOf(pair.table.active).length === 2)
    t.same(indexesOf(pair.manager.session), [0, 2])
    t.same(indexesOf(pair.table.active), [0, 2])
  },
)

t.test('a further lane that is cut joins the same session again', async (t) => {
  await using pair = await createPair({ lanes: 2 })
  await lanesUp(pair.events, 2)
  await until(() => indexesOf(pair.table.active).length === 2)
  const active = pair.table.active?.id
  pair.table.active?.lanes.get(1)?.abort(new Error('cut'))
  await lanesUp(pair.events, 1)
  t.equal(pair.table.active?.id, active)
  t.equal(pair.table.sessions.length, 1)
})

for (const side of ['table', 'manager'] as const) {
  t.test(
    `every lane is dialled anew when the ${side} wants it, whoever dials, and none is cut`,
    async (t) => {
      await using pair = await createPair({ lanes: 2 })
      await lanesUp(pair.events, 2)
      await until(() => indexesOf(pair.table.active).length === 2)
      const before = new Map(pair.manager.session?.lanes)
      const up = lanesUp(pair.events, 2)
      pair[side].renewLanes(5000)
      await up
      await until(() => [...before.values()].every((lane) => lane.isDown))
      t.same(indexesOf(pair.table.active), [0, 1])
      t.equal(pair.table.sessions.length, 1)
      t.equal(pair.closed.count, 0)
    },
  )
}
