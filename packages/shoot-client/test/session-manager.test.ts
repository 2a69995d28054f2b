import { type Duplex, duplexPair } from 'node:stream'
import { QueueSet } from '@reversed-vpn/node-tun'
import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import type { HelloMessage, RejectCode } from '@reversed-vpn/protocol'
import {
  type BackoffOptions,
  FrameStream,
  receiveHello,
  rejectPeer,
  TrafficTotals,
} from '@reversed-vpn/session'
import { type ManagerEvents, SessionManager } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

type Answer = 'welcome' | 'none' | RejectCode

interface PairOptions {
  readonly lanes?: number
  readonly answers?: Answer[]
  readonly own?: Timing
  readonly carries?: readonly ('packets' | 'streams')[]
  readonly announced?: Timing
  readonly backoff?: BackoffOptions
  /** Asks for the replacement of every lane as soon as it is there. */
  readonly isRestless?: boolean
  /** What each dial waits for. */
  readonly reachable?: () => Promise<void>
}

interface Timing {
  readonly keepaliveMs: number
  readonly deadAfterMs: number
}

const SLOW: Timing = { keepaliveMs: 60_000, deadAfterMs: 180_000 }

/** A seed side that answers each HELLO as told, and no PING; and a manager that dials it. */
function createPair(options: PairOptions = {}) {
  const answers = [...(options.answers ?? [])]
  const hellos: HelloMessage[] = []
  const connections: FrameStream[] = []
  const log: string[] = []
  /** Networks that were announced again. */
  const announced: string[] = []
  const waiters = new Set<() => void>()
  const note = (text: string) => {
    log.push(text)
    for (const wake of waiters) wake()
  }
  const serve = async (stream: Duplex) => {
    const frames = new FrameStream(stream)
    const hello = await receiveHello(frames)
    hellos.push(hello)
    const answer = answers.shift() ?? 'welcome'
    if (answer === 'none') {
      note('HELLO without an answer')
      const message = await frames.nextControl(new AbortController().signal)
      note(message.type === 'CLOSE' ? `CLOSE ${message.code}: ${message.reason}` : message.type)
      frames.end()
      return
    }
    if (answer !== 'welcome') {
      rejectPeer(frames, answer, 'as told')
      return
    }
    connections.push(frames)
    frames.sendControl({
      type: 'WELCOME',
      version: 1,
      session: hello.session ?? 'a'.repeat(32),
      token: 'b'.repeat(64),
      lane: hello.lane ?? 0,
      lanesMax: 4,
      mtu: 1500,
      accepts: [],
      addresses: { seed: ['192.168.123.1/24'], shoot: ['192.168.123.2/24'] },
      networks: { pod: ['100.96.0.0/11'], service: [], node: [] },
      ...(options.announced ?? SLOW),
    })
    const ignore = () => {}
    if (options.isRestless) frames.sendControl({ type: 'GOAWAY', lane: 0, reason: 'rotate-age' })
    frames.setHandler({
      onControl: ignore,
      onData: ignore,
      onStreamFrame: ignore,
      onChunkEnd: ignore,
      onClose: () => frames.end(),
    })
  }
  const events: ManagerEvents = {
    onDialFailed: (lane, error) => note(`lane ${lane} failed: ${error.failure}`),
    onSessionOpened: () => note('session opened'),
    onLaneOpened: (_, lane) => note(`lane ${lane.index} opened`),
    onLaneClosed: (_, lane, { isReplaced }) => {
      if (!isReplaced) note(`lane ${lane.index} closed`)
    },
    onSessionClosed: () => note('session closed'),
    onSuperseded: () => note('superseded'),
  }
  const manager = new SessionManager({
    instance: 'c'.repeat(32),
    peer: {
      dial: async () => {
        await options.reachable?.()
        const [near, far] = duplexPair()
        near.once('end', () => near.end())
        near.once('close', () => far.destroy())
        // A connection that is given up brings no HELLO.
        serve(far).catch(() => {})
        return {
          frames: new FrameStream(near),
          peer: { name: 'vpn-seed-server', fingerprint: '' },
          remoteAddress: '192.0.2.1',
        }
      },
    },
    peerName: 'vpn-seed-server',
    tun: { accepts: [], queues: new QueueSet(createFakeTun().device), useOffloadsOf: () => {} },
    network: {
      apply: async ({ networks }) => networks,
      follow: async ({ networks }) => {
        announced.push(...networks.pod)
        return networks
      },
    },
    totals: new TrafficTotals(),
    ...(options.carries && { carries: options.carries }),
    lanes: options.lanes ?? 1,
    laneSetting: options.own ?? SLOW,
    software: 'test',
    backoff: options.backoff ?? { minMs: 1, maxMs: 5 },
    events,
  })
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        waiters.add(resolve)
      })
    }
  }
  return { manager, hellos, connections, log, announced, until, [Symbol.asyncDispose]: () => manager.stop() }
}

function count(log: readonly string[], text: string): number {
  return log.filter((line) => line === text).length
}

t.test('brings up lane 0 first, and the others join with session and token', async (t) => {
  await using pair = createPair({ lanes: 3 })
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 1 opened') === 1 && count(pair.log, 'lane 2 opened') === 1)
  t.same(pair.log.slice(0, 2), ['session opened', 'lane 0 opened'])
  t.notOk('session' in (pair.hellos[0] as HelloMessage))
  t.equal(pair.hellos[0]?.lanes, 3, 'and the first says how many there will be')
  for (const lane of [1, 2]) {
    const hello = pair.hellos.find((message) => message.lane === lane)
    t.match(hello, { session: 'a'.repeat(32), token: 'b'.repeat(64) })
  }
  t.equal(new Set(pair.hellos.map(({ instance }) => instance)).size, 1, 'one process, one instance')
})

t.test('a lost connection is dialled again, as a new session of the same instance', async (t) => {
  await using pair = createPair()
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 0 opened') === 1)
  pair.connections[0]?.end()
  await pair.until(() => count(pair.log, 'lane 0 opened') === 2)
  t.same(pair.log, [
    'session opened',
    'lane 0 opened',
    'lane 0 closed',
    'session closed',
    'session opened',
    'lane 0 opened',
  ])
  t.notOk('session' in (pair.hellos[1] as HelloMessage))
})

t.test('a lane that is lost while others carry joins the session again', async (t) => {
  await using pair = createPair({ lanes: 2 })
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 1 opened') === 1)
  pair.connections[1]?.end()
  await pair.until(() => count(pair.log, 'lane 1 opened') === 2)
  t.equal(count(pair.log, 'session opened'), 1)
  t.equal(pair.hellos.at(-1)?.lane, 1)
})

t.test('goes on dialling when it is refused', async (t) => {
  await using pair = createPair({ answers: ['shutting-down', 'wrong-name', 'welcome'] })
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 0 opened') === 1)
  t.equal(count(pair.log, 'lane 0 failed: rejected'), 2)
})

t.test('a lane that the peer wants replaced carries until its successor is there', async (t) => {
  await using pair = createPair()
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 0 opened') === 1)
  pair.connections[0]?.sendControl({ type: 'GOAWAY', lane: 0, reason: 'rotate-age' })
  await pair.until(() => count(pair.log, 'lane 0 opened') === 2)
  t.same(pair.log, ['session opened', 'lane 0 opened', 'lane 0 opened'])
  t.match(pair.hellos[1], { session: 'a'.repeat(32), lane: 0 })
})

t.test('a peer that has every lane replaced at once is dialled as rarely as one that refuses', async (t) => {
  const backoff = { minMs: 40, maxMs: 60_000, random: () => 0.5 }
  const dialledAtMs: number[] = []
  const reachable = async () => void dialledAtMs.push(performance.now())
  await using pair = createPair({ isRestless: true, backoff, reachable })
  pair.manager.start()
  await pair.until(() => pair.hellos.length === 6)
  const tookMs = Number(dialledAtMs[5]) - Number(dialledAtMs[3])
  t.ok(tookMs > 450, `160 and 320 ms are between these: ${tookMs}`)
  t.equal(count(pair.log, 'session opened'), 1)
})

t.test('an outage costs one session: lanes that were dialled meanwhile wait for it', async (t) => {
  let isReachable = true
  let dials = 0
  const wake: (() => void)[] = []
  const reachable = async () => {
    dials++
    if (!isReachable) await new Promise<void>((resolve) => wake.push(resolve))
  }
  await using pair = createPair({ lanes: 4, reachable })
  pair.manager.start()
  const isComplete = () => [0, 1, 2, 3].every((index) => pair.manager.session?.lanes.has(index))
  await pair.until(isComplete)
  isReachable = false
  for (const connection of pair.connections.slice(1)) connection.end()
  while (dials < 7) await new Promise((resolve) => setTimeout(resolve, 1))
  pair.connections[0]?.end()
  await pair.until(() => count(pair.log, 'session closed') === 1)
  isReachable = true
  for (const resume of wake) resume()
  await pair.until(isComplete)
  t.equal(count(pair.log, 'session opened'), 2)
  t.equal(pair.hellos.filter(({ session }) => session === undefined).length, 2)
})

t.test('has its lanes replaced without a break, and hears of the networks with each', async (t) => {
  await using pair = createPair()
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 0 opened') === 1)
  pair.manager.renewLanes()
  await pair.until(() => count(pair.log, 'lane 0 opened') === 2)
  t.same(pair.log, ['session opened', 'lane 0 opened', 'lane 0 opened'])
  t.same(pair.announced, ['100.96.0.0/11'])
})

t.test('a lane that cannot be replaced is ended in time, if it must not stay', async (t) => {
  await using pair = createPair({ answers: ['welcome', ...Array<Answer>(1000).fill('revoked')] })
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 0 opened') === 1)
  pair.manager.renewLanes(50)
  await pair.until(() => count(pair.log, 'session closed') === 1)
  t.ok(count(pair.log, 'lane 0 failed: rejected') > 0)
})

t.test('tells the seed side when it gives up a lane that was coming up', async (t) => {
  await using pair = createPair({ lanes: 2, answers: ['welcome', 'none', 'welcome', 'none'] })
  pair.manager.start()
  await pair.until(() => count(pair.log, 'HELLO without an answer') === 1)
  pair.manager.renewLanes(60_000)
  await pair.until(() => count(pair.log, 'HELLO without an answer') === 2)
  await pair.manager.stop()
  await pair.until(() => count(pair.log, 'CLOSE going-away: stopping') === 1)
  t.equal(count(pair.log, 'CLOSE going-away: given up, since the certificates have changed'), 1)
})

t.test('begins a new session when the seed side does not know the old one any more', async (t) => {
  await using pair = createPair({ lanes: 2, answers: ['welcome', 'welcome', 'unknown-session'] })
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 1 opened') === 1)
  pair.connections[1]?.end()
  await pair.until(() => count(pair.log, 'session opened') === 2)
  t.ok(pair.log.includes('lane 1 failed: rejected'))
  t.equal(count(pair.log, 'session closed'), 1)
})

t.test('a superseded client stays away when its session ends', async (t) => {
  await using pair = createPair()
  pair.manager.start()
  await pair.until(() => count(pair.log, 'lane 0 opened') === 1)
  pair.connections[0]?.sendControl({ type: 'GOAWAY', reason: 'superseded' })
  await pair.until(() => count(pair.log, 'superseded') === 1)
  pair.connections[0]?.end()
  await pair.until(() => count(pair.log, 'session closed') === 1)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(pair.hellos.length, 1)
})

t.test('stop settles while a dial is under way and while one is waited for', async (t) => {
  const refusing = createPair({ answers: Array<Answer>(1000).fill('internal') })
  refusing.manager.start()
  await refusing.until(() => refusing.log.length > 1)
  await refusing.manager.stop()
  const seen = refusing.hellos.length
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(refusing.hellos.length, seen, 'nothing is dialled any more')
})

const QUICK: Timing = { keepaliveMs: 100, deadAfterMs: 300 }

for (const { what, own, announced, atLeastMs } of [
  { what: 'WELCOME announces', own: SLOW, announced: QUICK, atLeastMs: 300 },
  { what: 'this side has itself', own: QUICK, announced: SLOW, atLeastMs: 300 },
  { what: 'can be borne', own: SLOW, announced: { keepaliveMs: 1, deadAfterMs: 2 }, atLeastMs: 200 },
]) {
  t.test(`a silent seed side is given up after the shortest time that ${what}`, async (t) => {
    await using pair = createPair({ own, announced })
    const startedAtMs = performance.now()
    pair.manager.start()
    await pair.until(() => count(pair.log, 'lane 0 closed') === 1)
    const silentMs = performance.now() - startedAtMs
    t.ok(silentMs >= atLeastMs - 10 && silentMs < 10_000, `${silentMs} ms`)
  })
}

t.test(
  'a seed side that answers with nothing that is carried here gets no lane, and is dialled again',
  async (t) => {
    await using pair = createPair({ carries: ['streams'] })
    pair.manager.start()
    await pair.until(() => count(pair.log, 'lane 0 failed: handshake') > 1)
    t.equal(count(pair.log, 'session opened'), 0)
  },
)
