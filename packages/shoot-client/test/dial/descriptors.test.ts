import { readdirSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Transport } from '@reversed-vpn/session'
import { connectTransport, webSocketTransport } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

const NEVER = new AbortController().signal
const ATTEMPTS = 20

const sockets = new Set<Socket>()
const server = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => {}).once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
  // Half-open by default no more than the client wants: only the client's end counts here.
  socket.once('close', () => sockets.delete(socket))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
t.teardown(() => {
  for (const socket of sockets) socket.destroy()
  server.close()
})
const { port } = server.address() as AddressInfo
const at = (scheme: string, user = '') => new URL(`${scheme}://${user}127.0.0.1:${port}`)

const broken = {
  get ca(): string {
    throw new Error('the file is gone')
  },
}
const badHeaders = [{ name: 'X-Bad', value: 'a\r\nb' }]
const target = 'seed:1194'
const tune = () => {}

/** What throws while a path is being opened, once its socket is connected. */
const THROWING: Readonly<Record<string, Transport>> = {
  'a header that cannot be sent with CONNECT': connectTransport({
    gateway: at('http'),
    target,
    headers: badHeaders,
  }),
  'authorities that cannot be read': connectTransport({
    gateway: at('https'),
    gatewayCa: broken,
    target,
    headers: [],
  }),
  'authorities that are none': connectTransport({
    gateway: at('https'),
    gatewayCa: { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
    target,
    headers: [],
  }),
  'authorities behind a proxy': connectTransport({
    gateway: at('https'),
    gatewayCa: broken,
    proxy: at('http', 'user:100%pass@'),
    target,
    headers: [],
  }),
  'a header that cannot be sent with an upgrade': webSocketTransport({
    gateway: at('ws'),
    headers: badHeaders,
    tune,
  }),
  'a WebSocket gateway that speaks otherwise, with a bare percent sign': webSocketTransport({
    gateway: at('ws', '100%:100%@'),
    headers: [],
    tune,
  }),
  'a socket that cannot be tuned': webSocketTransport({
    gateway: at('ws'),
    headers: [],
    tune() {
      throw new Error('no such congestion control')
    },
  }),
}

const descriptors = () => readdirSync('/proc/self/fd').length

for (const [what, transport] of Object.entries(THROWING)) {
  t.test(`loses no descriptor to ${what}`, async (t) => {
    const fail = () =>
      transport.open(NEVER).then(
        () => t.fail('it opened'),
        (error: unknown) => t.type(error, Error),
      )
    await fail()
    const untilClosed = async () => {
      for (let turn = 0; turn < 100 && sockets.size > 0; turn++)
        await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await untilClosed()
    const before = descriptors()
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) await fail()
    await untilClosed()
    t.equal(sockets.size, 0, 'every connection is closed')
    t.ok(descriptors() < before + ATTEMPTS / 2, `${before} before, ${descriptors()} after`)
  })
}
