import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Admission, type AdmissionEntry } from '@reversed-vpn/relay'
import t from 'tap'

type Entry = AdmissionEntry<Socket>

interface Limits {
  readonly max?: number
  readonly maxWaiting?: number
  readonly overdueMs?: number
  readonly waitTimeoutMs?: number
}

/** A queue behind a port, and what it does. Who is admitted has finished when the test says so. */
async function openQueue({ max = 2, maxWaiting = 100, overdueMs = 60_000, waitTimeoutMs = 60_000 }: Limits) {
  const admitted: Entry[] = []
  const dropped: Entry[] = []
  const queue = new Admission<Socket>(
    { max, whenFull: { maxWaiting, overdueMs, waitTimeoutMs } },
    { onAdmitted: (entry) => admitted.push(entry), onDropped: (entry) => dropped.push(entry) },
  )
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    queue.enter(socket, 'unknown')
    server.emit('entered')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const callers: Socket[] = []
  return {
    queue,
    admitted,
    dropped,
    /** One more caller, in the order of the calls. */
    async call(): Promise<Socket> {
      const entered = once(server, 'entered')
      const caller = connect(port, '127.0.0.1')
      caller.on('error', () => {})
      callers.push(caller)
      await entered
      return caller
    },
    async [Symbol.asyncDispose]() {
      queue.destroyAll()
      for (const socket of [...callers, ...admitted.map(({ stream }) => stream)]) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

const portsOf = (entries: readonly Entry[]) => entries.map(({ stream }) => stream.remotePort)

t.test('as many are admitted as may be, and the newest that waits is next', async (t) => {
  await using stage = await openQueue({})
  const callers = []
  for (let index = 0; index < 5; index++) callers.push(await stage.call())
  t.equal(stage.admitted.length, 2, 'three wait')
  const [first, , , fourth, fifth] = callers.map(({ localPort }) => localPort)
  stage.queue.finish(stage.admitted[0] as Entry)
  stage.queue.finish(stage.admitted[1] as Entry)
  t.strictSame(portsOf(stage.admitted).slice(2), [fifth, fourth])
  t.equal(portsOf(stage.admitted)[0], first)
  t.strictSame(stage.dropped, [])
})

t.test('one that is overdue is dropped for one that waits, and not before', async (t) => {
  await using stage = await openQueue({ overdueMs: 20 })
  await stage.call()
  await stage.call()
  const [slow] = portsOf(stage.admitted)
  const third = await stage.call()
  while (stage.admitted.length < 3) await new Promise((resolve) => setImmediate(resolve))
  t.equal(stage.admitted[2]?.stream.remotePort, third.localPort)
  t.strictSame(portsOf(stage.dropped), [slow])
  t.ok(stage.dropped[0]?.dropped)
})

t.test('one too many in the queue drops the oldest that waits', async (t) => {
  await using stage = await openQueue({ max: 1, maxWaiting: 2 })
  await stage.call()
  const oldest = await stage.call()
  await stage.call()
  await stage.call()
  await once(oldest, 'close')
  t.equal(stage.dropped.length, 1)
  t.equal(stage.admitted.length, 1)
})

t.test('one that waits for too long is dropped', async (t) => {
  await using stage = await openQueue({ max: 1, waitTimeoutMs: 20 })
  await stage.call()
  const waiting = await stage.call()
  await once(waiting, 'close')
  t.equal(stage.dropped.length, 1)
  t.equal(stage.admitted.length, 1)
})

t.test('a caller that leaves gives its place to the next', async (t) => {
  await using stage = await openQueue({ max: 1 })
  const running = await stage.call()
  const waiting = await stage.call()
  running.destroy()
  stage.admitted[0]?.stream.resume()
  while (stage.admitted.length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.equal(stage.admitted[1]?.stream.remotePort, waiting.localPort)
  t.strictSame(stage.dropped, [])
})
