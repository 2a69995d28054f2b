import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { HandshakeLine, type HandshakeLineOptions } from '@reversed-vpn/egress-proxy/testing'
import t from 'tap'

/** A line behind a port, and what it does. Handshakes end when the test says so. */
async function openLine(options: Partial<HandshakeLineOptions>) {
  const begun: Socket[] = []
  const dropped: Socket[] = []
  const line = new HandshakeLine({
    maxRunning: 2,
    maxWaiting: 100,
    overdueMs: 60_000,
    timeoutMs: 60_000,
    begin: (socket) => begun.push(socket),
    onDropped: (socket) => dropped.push(socket),
    ...options,
  })
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    line.enter(socket)
    server.emit('entered')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const callers: Socket[] = []
  return {
    line,
    begun,
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
      line.destroyAll()
      for (const socket of [...callers, ...begun]) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

const portsOf = (sockets: readonly Socket[]) => sockets.map(({ remotePort }) => remotePort)

t.test('as many handshakes run as may, and the newest that waits is next', async (t) => {
  await using stage = await openLine({})
  const callers = []
  for (let index = 0; index < 5; index++) callers.push(await stage.call())
  t.equal(stage.begun.length, 2, 'three wait')
  const [first, , , fourth, fifth] = callers.map(({ localPort }) => localPort)
  stage.line.leave(stage.begun[0] as Socket)
  stage.line.leave(stage.begun[1] as Socket)
  t.strictSame(portsOf(stage.begun).slice(2), [fifth, fourth])
  t.equal(portsOf(stage.begun)[0], first)
  t.strictSame(stage.dropped, [])
})

t.test('a handshake that takes too long makes way for one that waits, and for nobody else', async (t) => {
  await using stage = await openLine({ overdueMs: 20 })
  await stage.call()
  await stage.call()
  const [slow] = portsOf(stage.begun)
  const third = await stage.call()
  while (stage.begun.length < 3) await new Promise((resolve) => setImmediate(resolve))
  t.equal(stage.begun[2]?.remotePort, third.localPort)
  t.strictSame(portsOf(stage.dropped), [slow])
  t.ok(stage.line.isDropped(stage.dropped[0] as Socket))
})

t.test('one that waits too much drops the oldest that waits', async (t) => {
  await using stage = await openLine({ maxRunning: 1, maxWaiting: 2 })
  await stage.call()
  const oldest = await stage.call()
  await stage.call()
  await stage.call()
  await once(oldest, 'close')
  t.equal(stage.dropped.length, 1)
  t.equal(stage.begun.length, 1)
})

t.test('one that waits for too long is dropped', async (t) => {
  await using stage = await openLine({ maxRunning: 1, timeoutMs: 20 })
  await stage.call()
  const waiting = await stage.call()
  await once(waiting, 'close')
  t.equal(stage.dropped.length, 1)
  t.equal(stage.begun.length, 1)
})

t.test('a caller that leaves gives its place to the next', async (t) => {
  await using stage = await openLine({ maxRunning: 1 })
  const running = await stage.call()
  const waiting = await stage.call()
  running.destroy()
  stage.begun[0]?.resume()
  while (stage.begun.length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.equal(stage.begun[1]?.remotePort, waiting.localPort)
  t.strictSame(stage.dropped, [])
})
