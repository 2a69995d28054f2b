import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t from 'tap'
import { patternAt } from '../egress/pattern.js'
import { receiveMany } from '../egress/receive-many.js'

const BYTES = 150_000

/** What a server of three streams sends: all, all with one bit turned, all but the last byte. */
function send(socket: Socket): void {
  socket.once('data', (order: Buffer) => {
    const stream = Number(/^send (\d+) /.exec(order.toString())?.[1])
    const bytes: Buffer[] = []
    for (let sent = 0; sent < BYTES; sent += bytes.at(-1)?.length ?? 0) {
      bytes.push(patternAt(stream, sent, BYTES - sent))
    }
    const all = Buffer.concat(bytes)
    if (stream === 1) all.writeUInt8(all.readUInt8(BYTES - 1) ^ 1, BYTES - 1)
    socket.end(stream === 2 ? all.subarray(0, -1) : all)
  })
}

t.test('a stream with a byte that was not sent on it, or without one, is not whole', async (t) => {
  const server = createServer(send).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const task = { kind: 'many', streams: 3, bytesEach: BYTES, milliseconds: 20_000 } as const
  const report = await receiveMany(
    { host: '127.0.0.1', port },
    { ...task, stillStreams: 1, stillMilliseconds: 50 },
  )
  t.match(report, { whole: 1, bytes: 3 * BYTES - 1 })
})

t.test('two streams have different bytes at the same place', async (t) => {
  t.not(patternAt(0, 0, 100).equals(patternAt(1, 0, 100)), true)
})
