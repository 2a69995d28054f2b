import { once } from 'node:events'
import { openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, connect as dialTcp } from 'node:net'
import { join } from 'node:path'
import { constants } from 'node:perf_hooks'
import { createFakeTun } from '@reversed-vpn/node-tun'
import type { HelloMessage } from '@reversed-vpn/protocol'
import {
  type ConnectionRefusal,
  type DialledConnection,
  dialLane,
  directTransport,
  type GcPause,
  type LaneConnection,
  LaneThreads,
  loadTlsMaterial,
  QueueSet,
  receiveHello,
  Session,
  type SessionLane,
  sendHello,
  type TlsMaterial,
  TrafficCheckers,
  TrafficTotals,
  TunnelListener,
} from '@reversed-vpn/session'
import t from 'tap'
import { Authority, type Pair } from '../tls/authority.js'

const HELLO: HelloMessage = {
  type: 'HELLO',
  version: 1,
  instance: 'a'.repeat(32),
  accepts: [],
  mtu: 1500,
  lanes: 3,
}
const dir = t.testdir({})
const [authority, stranger] = [new Authority(dir, 'one'), new Authority(dir, 'other')]
const serverTls = material(authority.issue('seed'))
const clientTls = material(authority.issue('client'))

function material({ cert, key }: Pair, ca = authority.ca): TlsMaterial {
  const file = (name: string, text: string) => {
    const path = join(dir, name)
    writeFileSync(path, text)
    return path
  }
  const files = { certFile: file('crt', cert), keyFile: file('key', key), caFile: file('ca', ca) }
  const loaded = loadTlsMaterial(files)
  for (const name of Object.values(files)) rmSync(name)
  return loaded
}

/** Both ends in this process; each has two threads beside the main one, and the listener gives them whatever comes while it has as much. */
async function createPair() {
  const lost: Error[] = []
  const gcPauses: GcPause[] = []
  const createThreads = () => {
    const threads = new LaneThreads({
      count: 3,
      onLost: (_, error) => lost.push(error),
      onGcPauses: (pauses) => gcPauses.push(...pauses),
    })
    threads.expect(4)
    return threads
  }
  const [near, far] = [createThreads(), createThreads()]
  const refusals: ConnectionRefusal[] = []
  const peers: { connection: LaneConnection; name: string; remoteAddress: string }[] = []
  const listener = new TunnelListener({
    tls: serverTls,
    peerName: 'client',
    deadAfterMs: 5000,
    threads: far,
    onPeer: async (connection, { name, remoteAddress }) =>
      void peers.push({ connection, name, remoteAddress }),
    onRefused: (refusal) => refusals.push(refusal),
  })
  listener.server.listen(0, '127.0.0.1')
  await once(listener.server, 'listening')
  const { port } = listener.server.address() as AddressInfo
  const dial = (
    lane: number,
    { tls = clientTls, peerName = 'seed', signal = AbortSignal.timeout(10_000), to = port } = {},
  ): Promise<DialledConnection> =>
    dialLane(
      {
        transport: directTransport({ host: '127.0.0.1', port: to }),
        tls,
        peerName,
        sni: 'seed',
        deadAfterMs: 5000,
      },
      near.forLane(lane),
      signal,
    )
  return {
    near,
    far,
    lost,
    gcPauses,
    listener,
    port,
    refusals,
    peers,
    dial,
    async [Symbol.asyncDispose]() {
      listener.close()
      await Promise.all([near.close(), far.close()])
    },
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

function descriptorCount(): number {
  return readdirSync('/proc/self/fd').length
}

t.test('the first lane that is dialled stays here, those after it go to the threads in turn', async (t) => {
  await using pair = await createPair()
  const numberOf = (lane: number) => (pair.near.forLane(lane) === undefined ? 0 : 1)
  t.strictSame([0, 1, 2, 3].map(numberOf), [0, 1, 1, 0])
  t.not(pair.near.forLane(1), pair.near.forLane(2))
  t.equal(pair.near.running, 1, 'none runs before it has something to do')
})

t.test(
  'who listens gives a connection to whom has the fewest, once several lanes are expected',
  async (t) => {
    await using threads = new LaneThreads({ count: 3, onLost: () => {} })
    t.equal(threads.leastBusy(7), undefined, 'one lane is expected')
    threads.expect(2)
    t.equal(threads.leastBusy(7), undefined, 'and of two one carries no bulk')
    threads.expect(3)
    t.equal(threads.leastBusy(0), undefined, 'of equals the main thread')
    t.equal(threads.leastBusy(1), threads.forLane(1))
    threads.expect(4)
    t.equal(threads.leastBusy(1), threads.forLane(1), 'of equals the first')
  },
)

t.test('a handshake whose both ends run on threads is said and heard here', async (t) => {
  await using pair = await createPair()
  await using _ = { [Symbol.asyncDispose]: async () => first.connection.abort() }
  const first = await pair.dial(0)
  await until(() => pair.peers.length === 1)
  const second = await pair.dial(1)
  t.match(second, { name: 'seed', remoteAddress: '127.0.0.1', fingerprint: /^[0-9A-F:]{95}$/ })
  await until(() => pair.peers.length === 2)
  const [, peer] = pair.peers
  t.match(peer, { name: 'client', remoteAddress: '127.0.0.1' })
  t.strictSame([pair.near.running, pair.far.running], [2, 2])
  const welcomed = sendHello(second.connection, HELLO).catch((error: unknown) => error)
  if (peer === undefined) throw new Error('nobody came')
  t.strictSame(await receiveHello(peer.connection), HELLO)
  peer.connection.sendControl({ type: 'REJECT', code: 'shutting-down', reason: 'not today' })
  peer.connection.end()
  t.match(await welcomed, { name: 'TunnelError', code: 'ERR_PEER_REJECTED', rejectCode: 'shutting-down' })
})

t.test('a certificate is judged on the thread, and the reason told as here', async (t) => {
  await using pair = await createPair()
  const held = await pair.dial(0)
  await until(() => pair.peers.length === 1)
  const alien = material(stranger.issue('client'), authority.ca)
  const dialled = await pair.dial(1, { tls: alien })
  await until(() => pair.refusals.length > 0)
  t.match(pair.refusals, [{ reason: 'wrong-ca', remoteAddress: '127.0.0.1' }])
  t.match(await sendHello(dialled.connection, HELLO).catch((error: unknown) => error), {
    rejectCode: 'wrong-ca',
  })
  await t.rejects(pair.dial(1, { peerName: 'somebody else' }), { name: 'DialError', failure: 'wrong-name' })
  await until(() => pair.peers.length === 2)
  t.pass('the listener has no objection to who dialled that')
  held.connection.abort()
})

t.test('what is no TLS fails as a dial does, and a dial that is given up ends', async (t) => {
  await using pair = await createPair()
  const rude = createServer((socket) => socket.on('error', () => {}).end('no TLS here\n'))
  const silent = createServer((socket) => socket.on('error', () => {}))
  const portOf = async (server: typeof rude) => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const ports = [await portOf(rude), await portOf(silent)] as const
  await t.rejects(pair.dial(1, { to: ports[0] }), { name: 'DialError', failure: 'tls-failed' })
  const giveUp = new AbortController()
  const dialled = pair.dial(1, { to: ports[1], signal: giveUp.signal })
  const [socket] = await once(silent, 'connection')
  giveUp.abort(new Error('enough'))
  await t.rejects(dialled, { message: 'enough' })
  await once(socket, 'close')
  rude.close()
  silent.close()
})

t.test('who was let in by what does not count any more is cut, on a thread as here', async (t) => {
  await using pair = await createPair()
  const held = await pair.dial(0)
  await until(() => pair.peers.length === 1)
  const unfinished = dialTcp(pair.port, '127.0.0.1').on('error', () => {})
  await once(unfinished, 'connect')
  await until(() => pair.far.running === 2)
  pair.listener.setTlsMaterial(material(stranger.issue('seed'), stranger.ca), true)
  await once(unfinished.resume(), 'close')
  const late = await pair.dial(1, { tls: material(authority.issue('client'), stranger.ca) })
  await until(() => pair.refusals.length > 0)
  t.match(pair.refusals, [{ reason: 'wrong-ca' }], 'the new counts for those who come')
  t.equal(pair.peers.length, 1)
  for (const { connection } of [held, late]) connection.abort()
})

t.test('a thread that breaks loses its lanes, and the next connection starts another', async (t) => {
  const before = descriptorCount()
  await using pair = await createPair()
  const down: [SessionLane, Error | undefined][] = []
  const queues = new QueueSet(createFakeTun().device)
  // No queue: whoever takes it over breaks.
  queues.queue(1).duplicate = () => openSync('/dev/null', 'r')
  const session = new Session({
    id: 'a'.repeat(32),
    token: 'b'.repeat(64),
    peer: { name: 'seed', instance: HELLO.instance, remoteAddress: '127.0.0.1' },
    queues,
    totals: new TrafficTotals(),
    checkers: new TrafficCheckers({
      side: 'shoot',
      networks: { pod: [], service: [], node: [] },
      seedAddresses: [],
      mtu: 1500,
      ownOffloads: [],
      peerOffloads: [],
    }),
    keepaliveMs: 1000,
    deadAfterMs: 3000,
    isReadyOnOpen: true,
    handler: {
      onLaneReady: () => {},
      onLaneGoAway: () => {},
      onGoAway: () => {},
      onLaneDown: (_, lane, error) => down.push([lane, error]),
      onClosed: () => {},
    },
  })
  const { connection } = await pair.dial(1)
  const lane = session.addLane(1, connection)
  t.equal(lane.thread, 1)
  await lane.leaving
  t.match(down, [[lane, { code: 'ENOTTY', syscall: 'ioctl(TUNGETIFF)' }]])
  t.ok(lane.isDown)
  t.match(pair.lost, [{ code: 'ENOTTY' }])
  t.equal(pair.near.lost, 1)
  t.equal(session.state, 'closed')
  await until(() => pair.near.running === 1)
  const again = await pair.dial(1)
  t.equal(pair.near.running, 2)
  again.connection.abort()
  for (const peer of pair.peers) peer.connection.abort()
  await pair[Symbol.asyncDispose]()
  // /dev/null, which the thread had claimed when it broke.
  t.ok(descriptorCount() <= before + 1, 'no connection is kept')
})

t.test('what its threads stand still for garbage collection is told', async (t) => {
  await using pair = await createPair()
  const minor = () => pair.gcPauses.find(({ kind }) => kind === constants.NODE_PERFORMANCE_GC_MINOR)
  while (minor() === undefined) (await pair.dial(1)).connection.abort()
  for (const peer of pair.peers) peer.connection.abort()
  t.ok((minor()?.durationMs ?? 0) > 0)
})
