import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { CidrSet, transferAddressOf } from '@reversed-vpn/ip'
import { QueueSet } from '@reversed-vpn/node-tun'
import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import { ByteBudget } from '@reversed-vpn/relay'
import { SessionTable, StreamDialler, StreamTable } from '@reversed-vpn/seed-server/testing'
import { FrameStream, receiveHello, TrafficTotals } from '@reversed-vpn/session'
import { OutboundTargets, SeedStreams, SessionManager } from '@reversed-vpn/shoot-client/testing'
import {
  StreamError,
  type StreamMultiplexer,
  type TunnelStream,
  WindowBudget,
} from '@reversed-vpn/streams/testing'
import { StreamTotals } from '@reversed-vpn/tunnel-daemon'
import t from 'tap'

const NETWORKS = { pod: ['100.96.0.0/11'], service: [], node: [] }
const TIMING = { keepaliveMs: 60_000, deadAfterMs: 180_000 }
const WINDOW_BYTES = 268_435_456
const LANES = 2

function fakeTun() {
  return { accepts: [], queues: new QueueSet(createFakeTun().device), useOffloadsOf: () => {} }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

/** A seed side that listens on loopback, which shoot sides dial. */
async function openSeed() {
  const streams = new StreamTable({
    carries: ['packets', 'streams'],
    totals: new StreamTotals(),
    maxStreams: 1000,
    windowBytes: WINDOW_BYTES,
    holdMs: 600_000,
  })
  const ignore = () => {}
  const table = new SessionTable({
    tun: fakeTun(),
    totals: new TrafficTotals(),
    networks: NETWORKS,
    seedAddresses: [transferAddressOf('192.168.123.0/24', 'seed')],
    shootAddresses: [transferAddressOf('192.168.123.0/24', 'shoot')],
    mtu: 1500,
    lanesMax: 4,
    laneSetting: TIMING,
    drainTimeoutMs: 60_000,
    streams,
    events: {
      onSessionOpened: ignore,
      onSessionActive: ignore,
      onLaneOpened: ignore,
      onLaneClosed: ignore,
      onSessionClosed: ignore,
      onRejected: ignore,
    },
  })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const frames = new FrameStream(socket)
    receiveHello(frames).then(
      (hello) =>
        table.accept(frames, hello, {
          name: 'vpn-shoot-client',
          fingerprint: '',
          remoteAddress: '192.0.2.1',
        }),
      () => {},
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    port,
    table,
    streams,
    /** Of the active session, once it has all its lanes. */
    multiplexer: async (): Promise<StreamMultiplexer> => {
      const ofActive = () => table.active && streams.of(table.active)
      await until(() => ofActive() !== undefined)
      return ofActive() as StreamMultiplexer
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      await table.close()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

type OnOpen = ConstructorParameters<typeof SeedStreams>[0]['onOpen']

const echo: OnOpen = (incoming) => {
  const stream = incoming.accept('100.96.0.10')
  stream?.pipe(stream)
}

/** A shoot side, which sends back what it gets. */
function openShoot(port: number, instance: string, onOpen: OnOpen = echo) {
  const streams = new SeedStreams({
    carries: ['packets', 'streams'],
    totals: new StreamTotals(),
    budget: new WindowBudget(WINDOW_BYTES),
    maxStreams: 1000,
    maxOpening: 1000,
    holdMs: 600_000,
    onOpen,
  })
  const ignore = () => {}
  let opened = 0
  const manager = new SessionManager({
    instance,
    peer: {
      dial: async () => {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        return {
          frames: new FrameStream(socket),
          peer: { name: 'vpn-seed-server', fingerprint: '' },
          remoteAddress: '127.0.0.1',
        }
      },
    },
    peerName: 'vpn-seed-server',
    tun: fakeTun(),
    network: { apply: async ({ networks }) => networks, follow: async ({ networks }) => networks },
    totals: new TrafficTotals(),
    lanes: LANES,
    laneSetting: TIMING,
    software: 'test',
    backoff: { minMs: 1, maxMs: 5 },
    events: {
      onDialFailed: ignore,
      onSessionOpened: ignore,
      onLaneOpened: () => opened++,
      onLaneClosed: ignore,
      onSessionClosed: ignore,
      onSuperseded: ignore,
    },
    streams,
  })
  manager.start()
  return { manager, streams, lanesOpened: () => opened, [Symbol.asyncDispose]: () => manager.stop() }
}

/** What a stream sends, and how much of it has come back; compared as it comes. */
class Echo {
  readonly ended: Promise<unknown>
  readonly #sent: Buffer
  received = 0
  isSame = true

  constructor(stream: Duplex, key: number, bytes: number) {
    this.#sent = Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 167 + (i >> 7) + key) & 0xff))
    stream.on('data', (chunk: Buffer) => {
      const expected = this.#sent.subarray(this.received, this.received + chunk.length)
      this.isSame &&= expected.equals(chunk)
      this.received += chunk.length
    })
    this.ended = once(stream, 'end')
    stream.end(this.#sent)
  }

  get isWhole(): boolean {
    return this.isSame && this.received === this.#sent.length
  }
}

function open(multiplexer: StreamMultiplexer): Promise<TunnelStream> {
  const { signal } = new AbortController()
  return multiplexer.open({ host: '100.96.0.10', port: 443, isName: false }, { signal })
}

t.test('cuts of all lanes lose no byte of any stream', async (t) => {
  await using seed = await openSeed()
  await using shoot = openShoot(seed.port, '1'.repeat(32))
  const multiplexer = await seed.multiplexer()
  const opened = await Promise.all(Array.from({ length: 20 }, () => open(multiplexer)))
  const echoes = opened.map((stream, key) => new Echo(stream, key, 1_000_000))
  const receivedBytes = () => echoes.reduce((sum, { received }) => sum + received, 0)
  for (let cut = 1; cut <= 5; cut++) {
    // Far from the end, so that each cut meets streams that run.
    await until(() => receivedBytes() > cut * 2_000_000)
    const before = shoot.lanesOpened()
    seed.cut()
    await until(() => shoot.lanesOpened() > before)
  }
  await Promise.all(echoes.map(({ ended }) => ended))
  t.same(
    echoes.map(({ isWhole }) => isWhole),
    echoes.map(() => true),
  )
  t.equal(await seed.multiplexer(), multiplexer, 'the same multiplexer was continued')
  t.equal(seed.streams.multiplexers.length, 1)
  const resentFrames = [multiplexer, shoot.streams.multiplexer].map(
    (end) => end?.snapshot().resentFrames ?? 0,
  )
  t.ok(Math.max(...resentFrames) > 0, 'frames were sent again')
})

t.test('another process of the shoot side gets a multiplexer of its own', async (t) => {
  await using seed = await openSeed()
  await using _first = openShoot(seed.port, '1'.repeat(32))
  const old = await seed.multiplexer()
  await using _second = openShoot(seed.port, '2'.repeat(32))
  await until(() => seed.table.active?.peer.instance === '2'.repeat(32))
  t.not(await seed.multiplexer(), old)
  t.equal(seed.streams.multiplexers.length, 2)
})

t.test(
  'a multiplexer that only the shoot side has ended is begun anew, and its streams end with a reason',
  async (t) => {
    await using seed = await openSeed()
    await using shoot = openShoot(seed.port, '1'.repeat(32))
    const old = await seed.multiplexer()
    const stream = await open(old)
    const failed = new Promise<Error>((resolve) => stream.once('error', resolve))
    shoot.streams.close()
    await until(() => {
      const { active } = seed.table
      const now = active && seed.streams.of(active)
      return now !== undefined && now !== old
    })
    const error = await failed
    t.ok(error instanceof StreamError)
    t.match(error, { code: 'ERR_STREAM_RESET', reason: 'lanes-lost' })
  },
)

t.test('a target is dialled by the shoot side, and judged there', async (t) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const ignore = () => {}
  const targets = new OutboundTargets({
    networks: { allowed: CidrSet.of(['127.0.0.0/8']), refused: CidrSet.of(['127.66.0.0/16']) },
    ownPorts: [],
    budget: new ByteBudget(0),
    maxStreams: 10,
    maxDials: 10,
    dialTimeoutMs: 60_000,
    events: { onRefused: ignore, onDialled: ignore, onBytes: ignore, onEnded: ignore },
  })
  t.teardown(() => targets.abort())
  await using seed = await openSeed()
  await using _shoot = openShoot(seed.port, '1'.repeat(32), (incoming) => void targets.serve(incoming))
  const multiplexer = await seed.multiplexer()
  const dialler = new StreamDialler({
    opener: () => multiplexer,
    resolver: { resolve: async () => undefined },
  })
  const dial = (address: string) => {
    const { signal } = new AbortController()
    return dialler.dial({ host: address, port, addresses: [address], timeoutMs: 60_000, signal })
  }
  const target = await dial('127.0.0.1')
  const echoed = new Echo(target.socket, 1, 3_000_000)
  await echoed.ended
  t.ok(echoed.isWhole)
  const refusal = await dial('127.66.0.1').catch((error: unknown) => error)
  t.match(refusal, { reason: 'prohibited' })
})
