import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { PAUSES_AT_ONCE, pauseAtOnce } from '@reversed-vpn/relay'
import t from 'tap'

const SENT_BYTES = 2 ** 20

t.test(
  'a socket that is paused as it tells of a chunk reads no other, and all of them when it goes on',
  async (t) => {
    const server = createServer({ ...PAUSES_AT_ONCE, pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const peer = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [socket] = (await once(server, 'connection')) as [Socket]
    t.teardown(() => {
      peer.destroy()
      socket.destroy()
      server.close()
    })
    pauseAtOnce(socket)
    peer.end(Buffer.alloc(SENT_BYTES))
    await once(peer, 'finish')
    let told = 0
    socket.on('data', (chunk: Buffer) => {
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
    socket.resume()
    await once(socket, 'end')
    t.equal(told, SENT_BYTES)
  },
)
