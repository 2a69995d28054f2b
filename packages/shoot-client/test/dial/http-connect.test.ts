import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { DialError } from '@reversed-vpn/secure'
import { openTcp } from '@reversed-vpn/session'
import { type HttpConnectOptions, httpConnect } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

const NEVER = new AbortController().signal
const TARGET = 'vpn-seed-server.shoot--a.svc:1194'
const OK = 'HTTP/1.1 200 OK\r\n\r\n'

/** A server over plain TCP that does what it is told once it has the whole request. */
async function startProxy(answer: (socket: Socket) => void) {
  const requests: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    let request = ''
    socket.on('error', () => {})
    socket.on('data', function onData(chunk) {
      request += chunk.toString('latin1')
      if (!request.endsWith('\r\n\r\n')) return
      socket.off('data', onData)
      requests.push(request)
      answer(socket)
      socket.resume()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    requests,
    sockets,
    async ask(options: Partial<HttpConnectOptions> = {}, signal = NEVER): Promise<Socket> {
      const socket = await openTcp({ host: '127.0.0.1', port }, {}, NEVER)
      const credentials = new URL('http://proxy.example')
      return httpConnect(socket, { hop: 'proxy', target: TARGET, credentials, ...options }, signal)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function failureOf(attempt: Promise<Socket>): Promise<unknown> {
  return attempt.then(
    (socket) => {
      socket.destroy()
      return 'connected'
    },
    (error: unknown) => error,
  )
}

/** The proxy keeps its end open: that it is closed is the client's doing. */
async function untilClosed(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.destroyed) return
  // `once` would take the reset for a failure, which is one way to close.
  await new Promise((resolve) => socket.once('close', resolve))
}

type Answer = string | ((socket: Socket) => void)

const REFUSALS: Readonly<Record<string, readonly [answer: Answer, failure: string, message: RegExp]>> = {
  'asks for a password': [
    'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 5\r\n\r\nlogin',
    'proxy-refused',
    /^proxy answered CONNECT with 407 Proxy Authentication Required$/,
  ],
  'cannot reach the target': [
    'HTTP/1.1 502 Bad Gateway\r\n\r\n',
    'proxy-refused',
    /^proxy answered CONNECT with 502 Bad Gateway$/,
  ],
  'waits for the target in vain': [
    'HTTP/1.1 504\r\n\r\n',
    'proxy-refused',
    /^proxy answered CONNECT with 504$/,
  ],
  'sends it elsewhere': [
    'HTTP/1.1 308 Permanent Redirect\r\nLocation: https://api.example/\r\n\r\n',
    'proxy-refused',
    /308 Permanent Redirect$/,
  ],
  'changes to another protocol': [
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    'proxy-refused',
    /101 Switching Protocols$/,
  ],
  'wants it to go on, and then refuses': [
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n',
    'proxy-refused',
    /503 Busy$/,
  ],
  'sends interim answers for ever': [
    'HTTP/1.1 102 Processing\r\n\r\n'.repeat(40),
    'proxy-garbage',
    /^proxy sent more than 16 interim answers$/,
  ],
  'closes behind an interim answer': [
    (socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\n'),
    'closed',
    /^proxy: /,
  ],
  'sends garbage behind an interim answer': [
    'HTTP/1.1 100 Continue\r\n\r\nSSH-2.0-OpenSSH_9.2\r\n',
    'proxy-garbage',
    /^proxy: /,
  ],
  'sends bytes behind the 201 that follows an interim answer': [
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\nhello',
    'proxy-early-data',
    /^proxy sent 5 B behind its 201/,
  ],
  'sends bytes right behind its 200': [
    `${OK}hello`,
    'proxy-early-data',
    /^proxy sent 5 B behind its 200; a TLS server never speaks first$/,
  ],
  'sends a body with its 200': [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'proxy-early-data',
    /^proxy sent 2 B behind its 200/,
  ],
  'answers twice': [`${OK}${OK}`, 'proxy-early-data', /^proxy sent 19 B behind its 200/],
  'is no HTTP server': ['SSH-2.0-OpenSSH_9.2\r\n', 'proxy-garbage', /^proxy: /],
  'speaks TLS': [Buffer.from('15030300020228', 'hex').toString('latin1'), 'proxy-garbage', /^proxy: /],
  'has a header without a colon': ['HTTP/1.1 200 OK\r\nX\r\n\r\n', 'proxy-garbage', /^proxy: /],
  'has a header without end': [
    (socket) => {
      const line = `X: ${'x'.repeat(1000)}\r\n`
      const goOn = () => {
        while (!socket.destroyed && socket.write(line));
      }
      socket.write('HTTP/1.1 200 OK\r\n')
      socket.on('drain', goOn)
      goOn()
    },
    'proxy-garbage',
    /^proxy: .*[Oo]verflow/,
  ],
  'closes at once': [(socket) => socket.end(), 'closed', /^proxy: /],
  'is reset': [(socket) => socket.resetAndDestroy(), 'closed', /^proxy: /],
  'closes within its answer': [(socket) => socket.end('HTTP/1.1 200 OK\r\nX: '), 'closed', /^proxy: /],
}

for (const [what, [answer, failure, message]] of Object.entries(REFUSALS)) {
  t.test(`a proxy that ${what}: ${failure}`, async (t) => {
    const say = typeof answer === 'string' ? (socket: Socket) => socket.write(answer, 'latin1') : answer
    await using proxy = await startProxy(say)
    const error = await failureOf(proxy.ask())
    t.type(error, DialError)
    t.match(error, { failure, message })
    await untilClosed(proxy.sockets[0])
    t.pass('the connection is closed')
  })
}

t.test('a proxy that never answers, or never comes to an end, is left when the signal fires', async (t) => {
  for (const said of [
    '',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200',
    'HTTP/1.1 200',
    'HTTP/1.1 200 OK\r\nX: y\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n',
  ]) {
    const controller = new AbortController()
    const tooSlow = new Error('too slow')
    await using proxy = await startProxy((socket) => {
      if (said === '') controller.abort(tooSlow)
      else socket.write(said, () => controller.abort(tooSlow))
    })
    t.equal(await failureOf(proxy.ask({}, controller.signal)), tooSlow, JSON.stringify(said))
    await untilClosed(proxy.sockets[0])
  }
  await using proxy = await startProxy(() => {})
  t.match(await failureOf(proxy.ask({}, AbortSignal.abort(new Error('at once')))), { message: 'at once' })
})

const YES: Readonly<Record<string, readonly string[]>> = {
  '201': ['HTTP/1.1 201 Created\r\n\r\n'],
  '202, with a length that does not count': ['HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n'],
  '200 with two lengths, neither of which counts': [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n',
  ],
  '200 in lines that end in LF alone': ['HTTP/1.0 200 OK\nProxy-Agent: x\n\n'],
  '200 with a header that is folded': ['HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n'],
  '204': ['HTTP/1.1 204 No Content\r\n\r\n'],
  '299': ['HTTP/1.1 299 Fine\r\n\r\n'],
  '100 and 200 in one packet': [`HTTP/1.1 100 Continue\r\n\r\n${OK}`],
  '100, then 200': ['HTTP/1.1 100 Continue\r\n\r\n', OK],
  '103 with fields, 102 twice, then 202': [
    'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n',
    'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 20',
    '2 Accepted\r\n\r\n',
  ],
}

for (const [what, parts] of Object.entries(YES)) {
  t.test(`a proxy that answers ${what}: yes, asked once`, async (t) => {
    await using proxy = await startProxy(async (socket) => {
      socket.setNoDelay(true)
      for (const part of parts) {
        await new Promise((resolve) => socket.write(part, resolve))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      socket.on('data', (chunk) => socket.write(`echo ${chunk}`))
    })
    const socket = await proxy.ask()
    await new Promise((resolve) => setTimeout(resolve, 60))
    socket.write('hello')
    const [echo] = (await once(socket, 'data')) as [Buffer]
    t.equal(echo.toString(), 'echo hello')
    socket.destroy()
    t.equal(proxy.requests.length, 1)
  })
}

t.test('an answer that comes a byte at a time is read to its end', async (t) => {
  const answer = 'HTTP/1.0 200 Connection established\r\nVia: 1.0 proxy\r\n\r\n'
  await using proxy = await startProxy(async (socket) => {
    socket.setNoDelay(true)
    for (const byte of answer) await new Promise((resolve) => socket.write(byte, resolve))
  })
  const socket = await proxy.ask()
  t.notOk(socket.destroyed)
  socket.destroy()
})

t.test('hands over the very socket, which carries both ways from then on', async (t) => {
  await using proxy = await startProxy((socket) => {
    socket.write(OK)
    socket.once('data', (chunk) => socket.end(`echo ${chunk}`))
  })
  const credentials = new URL('http://user%40example:p%3Ass@proxy.example')
  const headers = [
    { name: 'X-A', value: 'one' },
    { name: 'X-A', value: 'two' },
  ]
  const socket = await proxy.ask({ credentials, headers })
  socket.write('hello')
  const [echo] = (await once(socket, 'data')) as [Buffer]
  t.equal(echo.toString(), 'echo hello')
  socket.destroy()
  const basic = Buffer.from('user@example:p:ss').toString('base64')
  t.equal(
    proxy.requests[0],
    `CONNECT ${TARGET} HTTP/1.1\r\nHost: ${TARGET}\r\nX-A: one\r\nX-A: two\r\nProxy-Authorization: Basic ${basic}\r\nConnection: close\r\n\r\n`,
  )
})
