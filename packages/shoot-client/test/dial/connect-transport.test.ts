import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { DialError } from '@reversed-vpn/secure'
import { Authority } from '@reversed-vpn/secure/testing'
import { connectTransport } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

const NEVER = new AbortController().signal

interface Gateway extends AsyncDisposable {
  readonly url: URL
  /** What came with the last CONNECT. */
  readonly requests: IncomingMessage[]
}

/** A gateway that answers every CONNECT by `answer`. */
async function startGateway(answer: (socket: Socket) => void): Promise<Gateway> {
  const requests: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  const server = createHttpServer()
  server.on('connection', (socket) => sockets.add(socket))
  server.on('connect', (request, socket) => {
    requests.push(request)
    socket.on('error', () => {})
    answer(socket as Socket)
  })
  return { ...(await listen(server, sockets)), requests }
}

async function listen(server: Server | ReturnType<typeof createTcpServer>, sockets: Set<Socket>) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function transportTo(gateway: URL, headers: { name: string; value: string }[] = []) {
  return connectTransport({ gateway, target: 'vpn-seed-server.shoot--a.svc:1194', headers })
}

async function failureOf(attempt: Promise<Duplex>): Promise<string> {
  return attempt.then(
    (socket) => {
      socket.destroy()
      return 'connected'
    },
    (error: unknown) => (error instanceof DialError ? `${error.failure}: ${error.message}` : String(error)),
  )
}

t.test(
  'sends the target and the routing headers, a repeated one twice, and hands over the socket',
  async (t) => {
    await using gateway = await startGateway((socket) => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.once('data', (chunk) => socket.end(`echo ${chunk}`))
    })
    const headers = [
      { name: 'Reversed-VPN', value: 'outbound|1194||vpn-seed-server.shoot--a.svc.cluster.local' },
      { name: 'X-Trace', value: 'a' },
      { name: 'X-Trace', value: 'b' },
    ]
    const socket = await transportTo(gateway.url, headers).open(NEVER)
    const echo = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))))
    socket.write('hello')
    t.equal(await echo, 'echo hello')
    const [request] = gateway.requests
    t.equal(request?.url, 'vpn-seed-server.shoot--a.svc:1194')
    t.equal(request?.headers.host, 'vpn-seed-server.shoot--a.svc:1194')
    t.equal(request?.headers['reversed-vpn'], 'outbound|1194||vpn-seed-server.shoot--a.svc.cluster.local')
    t.equal(request?.headers['x-trace'], 'a, b')
  },
)

t.test('credentials in the URL are sent as Proxy-Authorization', async (t) => {
  await using gateway = await startGateway((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
  const url = new URL(gateway.url)
  url.username = 'user'
  url.password = 'p%40ss'
  const socket = await transportTo(url).open(NEVER)
  socket.destroy()
  t.equal(
    gateway.requests[0]?.headers['proxy-authorization'],
    `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
  )
})

t.test('a gateway that refuses is quoted with status and phrase', async (t) => {
  await using gateway = await startGateway((socket) =>
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
  )
  t.equal(
    await failureOf(transportTo(gateway.url).open(NEVER)),
    'proxy-refused: gateway answered CONNECT with 407 Proxy Authentication Required',
  )
})

t.test('bytes right behind the 200 are not taken for the server', async (t) => {
  await using gateway = await startGateway((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nearly'))
  t.match(await failureOf(transportTo(gateway.url).open(NEVER)), /^proxy-early-data: gateway sent 5 B/)
})

t.test('an answer that is not HTTP is garbage', async (t) => {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
  })
  await using gateway = await listen(server, sockets)
  t.match(await failureOf(transportTo(gateway.url).open(NEVER)), /^proxy-garbage: /)
})

t.test('a gateway that hangs up before it answers is told from one that is not there', async (t) => {
  await using gateway = await startGateway((socket) => socket.destroy())
  t.match(await failureOf(transportTo(gateway.url).open(NEVER)), /^closed: /)
  const nobody = createTcpServer()
  const { url, [Symbol.asyncDispose]: close } = await listen(nobody, new Set())
  await close()
  t.match(await failureOf(transportTo(url).open(NEVER)), /^refused: /)
})

t.test('a gateway that never answers is left when the signal fires', async (t) => {
  const controller = new AbortController()
  await using gateway = await startGateway(() => controller.abort(new Error('too slow')))
  t.equal(await failureOf(transportTo(gateway.url).open(controller.signal)), 'Error: too slow')
})

t.test('a gateway whose name ends with the dot of the root is asked for by its name alone', async (t) => {
  const authority = new Authority(t.testdir({}), 'gateways')
  const asked: (string | false | null)[] = []
  const sockets = new Set<Socket>()
  const server = createTlsServer(authority.issue('localhost'), (socket) => {
    sockets.add(socket)
    asked.push(socket.servername)
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
  })
  await using gateway = await listen(server, sockets)
  const url = new URL(`https://localhost.:${gateway.url.port}`)
  const options = { gateway: url, gatewayCa: { ca: authority.ca }, target: 'seed:1194', headers: [] }
  t.equal(await failureOf(connectTransport(options).open(NEVER)), 'connected')
  t.same(asked, ['localhost'])
})
