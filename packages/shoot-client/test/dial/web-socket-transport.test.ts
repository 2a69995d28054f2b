import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { secureTunnel } from '@reversed-vpn/secure'
import { Authority } from '@reversed-vpn/secure/testing'
import { webSocketTransport } from '@reversed-vpn/shoot-client/testing'
import t, { type Test } from 'tap'

const NEVER = new AbortController().signal
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** A gateway that takes the upgrade (RFC 6455 §4.2.2) and says more in the same packet. */
async function startGateway(t: Test, behind: Buffer): Promise<URL> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', (request) => {
      const [, key] = /^sec-websocket-key: (\S+)/im.exec(request.toString('latin1')) ?? []
      const accept = createHash('sha1').update(`${key}${MAGIC}`).digest('base64')
      const lines = [
        'HTTP/1.1 101 OK',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${accept}`,
      ]
      socket.write(Buffer.concat([Buffer.from([...lines, '', ''].join('\r\n')), behind]))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

for (const [what, frame] of Object.entries({
  'a text message': '810161',
  'a frame with a mask': '82810102030405',
})) {
  t.test(
    `a gateway that sends ${what} right behind its answer ends the attempt, and nothing else`,
    async (t) => {
      const authority = new Authority(t.testdir({}), 'tunnel')
      const gateway = await startGateway(t, Buffer.from(frame, 'hex'))
      const stream = await webSocketTransport({ gateway, headers: [], tune: () => {} }).open(NEVER)
      const tls = { ...authority.issue('shoot'), ca: authority.ca, certificates: [] }
      await t.rejects(secureTunnel(stream, { tls, peerName: 'seed', sni: 'seed' }, NEVER), {
        name: 'DialError',
      })
      t.ok(stream.destroyed)
    },
  )
}
