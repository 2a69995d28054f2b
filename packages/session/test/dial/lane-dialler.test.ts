import { EventEmitter, once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { DialError } from '@reversed-vpn/secure'
import { directTransport, type Lane, LaneDialler } from '@reversed-vpn/session'
import t, { type Test } from 'tap'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Takes connections and never says a word. */
async function startSilentServer() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    server.emit('accepted')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    server,
    sockets,
    endpoint: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Waits for a word of the other end, as each step of a dial does. */
async function dialAndListen(endpoint: { host: string; port: number }, signal: AbortSignal): Promise<Lane> {
  const socket = await directTransport(endpoint).open(signal)
  try {
    await once(socket, 'data', { signal })
  } catch {
    throw signal.reason
  } finally {
    socket.destroy()
  }
  throw new Error('it was to be silent')
}

t.test('gives up what nobody answers, whenever garbage is collected, and dials again', async (t) => {
  await using silent = await startSilentServer()
  silent.server.on('accepted', collectGarbage)
  const failures: DialError[] = []
  const dialler = await new Promise<LaneDialler>((resolve) => {
    const made: LaneDialler = new LaneDialler({
      backoff: { minMs: 1, maxMs: 2 },
      attemptTimeoutMs: 50,
      untilWanted: async () => {},
      bringUp: (_, signal) => dialAndListen(silent.endpoint, signal),
      onFailed: (_, error) => {
        failures.push(error)
        if (failures.length === 3) resolve(made)
      },
    })
    made.keep(1)
  })
  await dialler.stop()
  for (const error of failures.slice(0, 3)) {
    t.match(error, { failure: 'timeout', message: 'not up within 50 ms' })
  }
  while (silent.sockets.size > 0) await once([...silent.sockets][0] as Socket, 'close')
  t.pass('every socket of an attempt that failed is closed')
})

t.test('an attempt under way ends when the dialler is stopped', async (t) => {
  await using silent = await startSilentServer()
  const failures: DialError[] = []
  const dialler = new LaneDialler({
    backoff: { minMs: 1, maxMs: 2 },
    untilWanted: async () => {},
    bringUp: (_, signal) => dialAndListen(silent.endpoint, signal),
    onFailed: (_, error) => failures.push(error),
  })
  const accepted = once(silent.server, 'accepted')
  dialler.keep(1)
  await accepted
  await dialler.stop()
  t.same(failures, [], 'which is no failure')
})

t.test('gives up an attempt when it is to dial anew, and makes it again', async (t) => {
  const failures: string[] = []
  let attempts = 0
  const begun = new EventEmitter()
  const dialler = new LaneDialler({
    backoff: { minMs: 1, maxMs: 2 },
    untilWanted: async () => {},
    bringUp: (_, signal) => {
      begun.emit('attempt', ++attempts)
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      })
    },
    onFailed: (_, error) => failures.push(error.failure),
  })
  const first = once(begun, 'attempt')
  dialler.keep(1)
  await first
  const second = once(begun, 'attempt')
  dialler.dialAnew()
  await second
  t.same(failures, ['closed'])
  await dialler.stop()
})

/** A lane as the dialler sees it that is to be replaced already. */
function leavingLane(ageMs: number, isDown: boolean): Lane {
  return { ageMs, isDown, leaving: Promise.resolve() } as unknown as Lane
}

/** What five waits that double up to the limit come to, in ms. */
const DOUBLING_MS = [100, 200, 400, 800, 800]

t.test('waits longer and longer while lanes do not last, lost or to be replaced alike', async (t) => {
  const [lost, replaced, lasting] = await Promise.all([
    lengthsOfWaits(() => leavingLane(0, true)),
    lengthsOfWaits(() => leavingLane(0, false)),
    lengthsOfWaits(() => leavingLane(6000, true)),
  ])
  expectDoubling(t, lost)
  expectDoubling(t, replaced)
  t.ok(sum(lasting) < sum(DOUBLING_MS), `one that lasted starts anew: ${lasting} ms`)
})

t.test('dials at once where a lane that lasted is to be replaced', async (t) => {
  let lanes = 0
  const waits = await lengthsOfWaits(() => leavingLane(++lanes > 10 ? 0 : 6000, false))
  expectDoubling(t, waits)
  t.equal(lanes, 15)
})

/** A machine that is busy makes waits longer. Timers of Node may be early by a millisecond. */
function expectDoubling(t: Test, waits: readonly number[]): void {
  t.ok(
    waits.every((ms, index) => ms + 1 >= (DOUBLING_MS[index] ?? 0)),
    `${waits} ms`,
  )
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Of the first five waits, in ms. */
async function lengthsOfWaits(bringUp: () => Lane): Promise<number[]> {
  const waits: number[] = []
  const dialler = await new Promise<LaneDialler>((resolve) => {
    let waitedFromMs = 0
    const random = () => {
      waitedFromMs = performance.now()
      return 0.5
    }
    const made: LaneDialler = new LaneDialler({
      backoff: { minMs: 200, maxMs: 1600, random },
      untilWanted: async () => {
        if (waitedFromMs === 0) return
        waits.push(Math.round(performance.now() - waitedFromMs))
        waitedFromMs = 0
        if (waits.length === 5) resolve(made)
      },
      bringUp: async () => bringUp(),
      onFailed: () => {},
    })
    made.keep(1)
  })
  await dialler.stop()
  return waits
}
