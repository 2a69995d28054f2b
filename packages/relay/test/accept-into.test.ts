import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { acceptInto, answerAndClose, ByteBudget } from '@reversed-vpn/relay'
import t, { type Test } from 'tap'

const SENT_BYTES = 2 ** 20
const sent = Buffer.from(Array.from({ length: SENT_BYTES }, (_, index) => index % 251))

/** Both ends of a connection: the accepted one is read by a budget. */
async function openAccepted(t: Test): Promise<{ socket: Socket; peer: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const peer = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  })
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const socket = acceptInto(accepted, new ByteBudget(SENT_BYTES).reads())
  for (const one of [socket, peer]) one.on('error', () => {})
  const closed = once(server, 'close')
  server.close()
  await closed
  t.teardown(() => {
    peer.destroy()
    socket.destroy()
  })
  return { socket, peer }
}

t.test(
  'an accepted socket that is paused as it tells of a chunk reads no other, and all of them when it goes on',
  async (t) => {
    const { socket, peer } = await openAccepted(t)
    t.equal(socket.remotePort, peer.localPort)
    peer.end(sent)
    const chunks: Buffer[] = []
    let told = 0
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      told += chunk.length
      socket.pause()
      socket.emit('told')
    })
    while (told < SENT_BYTES) {
      const next = once(socket, 'told')
      socket.resume()
      await next
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      t.equal(socket.bytesRead, told)
    }
    const ended = once(socket, 'end')
    socket.resume()
    await ended
    t.ok(Buffer.concat(chunks).equals(sent))
  },
)

t.test('it is half-open, and what is written to it arrives', async (t) => {
  const { socket, peer } = await openAccepted(t)
  const ended = once(socket, 'end')
  peer.end()
  socket.resume()
  await ended
  socket.end(sent)
  const received: Buffer[] = []
  for await (const chunk of peer) received.push(chunk as Buffer)
  t.ok(Buffer.concat(received).equals(sent))
})

t.test('what is still read behind a last answer is copied for nobody', async (t) => {
  const { socket, peer } = await openAccepted(t)
  answerAndClose(socket, 'answer', { lingerMs: 5000 })
  let copiedBytes = 0
  socket.on('data', (chunk: Buffer) => {
    copiedBytes += chunk.length
  })
  peer.write(sent.subarray(0, 20_000))
  peer.setEncoding('latin1')
  const [answer] = (await once(peer, 'data')) as [string]
  t.equal(answer, 'answer')
  const closed = once(socket, 'close')
  peer.end()
  await closed
  t.equal(socket.bytesRead, 20_000)
  t.equal(copiedBytes, 0)
})
