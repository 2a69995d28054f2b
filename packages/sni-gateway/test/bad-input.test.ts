import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { Backend } from './support/backend.js'
import { Client } from './support/client.js'
import { GatewayProcess } from './support/gateway-process.js'
import { clientHello } from './support/hello.js'

const FIRST_BYTES_TIMEOUT_MS = 3000
/** Connections that whoever reads the metrics keeps open for a while. */
const ADMIN_CONNECTIONS = 1
const ONE = 'outbound|1194||vpn-seed-server.one.svc.cluster.local'
const destinationTo = (shoot: string) => ONE.replace('one', shoot)
const one = await Backend.start()
const two = await Backend.start()
const gone = await Backend.start()
const goneAddress = gone.address
await gone[Symbol.asyncDispose]()
const silent = await startSilentBackend()
const routeTo = (shoot: string, backend: string) =>
  `  - { name: ${shoot}, serverNames: [${shoot}.example], destinations: ['${destinationTo(shoot)}'], backend: '${backend}' }\n`
const gateway = await GatewayProcess.start(
  `routes:
${routeTo('one', one.address)}${routeTo('two', two.address)}${routeTo('gone', goneAddress)}${routeTo('nameless', 'backend.invalid:1')}${routeTo('nowhere', '255.255.255.255:1')}${routeTo('silent', silent.address)}`,
  ['--first-bytes-timeout', `${FIRST_BYTES_TIMEOUT_MS}ms`, '--dial-timeout', '3s'],
)
t.teardown(async () => {
  await gateway[Symbol.asyncDispose]()
  await one[Symbol.asyncDispose]()
  await two[Symbol.asyncDispose]()
  silent.stop()
})
const openAtFirst = await openFiles()

function requestOf(fields: readonly string[], line = 'CONNECT ignored.example:1 HTTP/1.1'): string {
  return [line, 'Host: ignored.example', ...fields, '', ''].join('\r\n')
}

const TO_ONE = `Reversed-VPN: ${ONE}`
const SECOND = requestOf([`Reversed-VPN: ${destinationTo('two')}`])

const REQUESTS: Readonly<Record<string, readonly [request: string, status: number, reason: string]>> = {
  'a routing header behind a bare LF': [requestOf([`X: y\n${TO_ONE}`]), 400, 'bad-request'],
  'lines that all end in a bare LF': [requestOf([TO_ONE]).replaceAll('\r\n', '\n'), 400, 'bad-request'],
  'a header without colon': [requestOf([TO_ONE, 'Reversed-VPN']), 400, 'bad-request'],
  'a header without name': [requestOf([`: ${ONE}`]), 400, 'bad-request'],
  'a second request as its content': [
    requestOf([TO_ONE, `Content-Length: ${SECOND.length}`]) + SECOND,
    400,
    'bad-request',
  ],
  'a second request behind its chunks': [
    `${requestOf([TO_ONE, 'Transfer-Encoding: chunked'])}0\r\n\r\n${SECOND}`,
    400,
    'bad-request',
  ],
  'two lengths': [requestOf([TO_ONE, 'Content-Length: 0', 'Content-Length: 5']), 400, 'bad-request'],
  'length and chunks': [
    requestOf([TO_ONE, 'Content-Length: 0', 'Transfer-Encoding: chunked']),
    400,
    'bad-request',
  ],
  'HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'bad-request'],
  'a CONNECT of HTTP/2.0': [requestOf([TO_ONE], 'CONNECT a:1 HTTP/2.0'), 400, 'bad-request'],
  'a CONNECT of HTTP/0.9': ['CONNECT a:1\r\n\r\n', 400, 'bad-request'],
  'a method in small letters': [requestOf([TO_ONE], 'connect a:1 HTTP/1.1'), 400, 'bad-request'],
  'an empty routing header': [requestOf(['Reversed-VPN:']), 400, 'malformed-destination'],
  'a destination in capitals': [requestOf([TO_ONE.toUpperCase()]), 400, 'malformed-destination'],
  'a destination with a byte behind it': [requestOf([`${TO_ONE}\xa0`]), 400, 'malformed-destination'],
  'a destination with a path': [requestOf([`${TO_ONE}/../two`]), 400, 'malformed-destination'],
  'a name inside another shoot': [
    requestOf(['Reversed-VPN: outbound|443||kube-apiserver.two.svc.cluster.local']),
    404,
    'unknown-destination',
  ],
  'a pod of the seed': [requestOf(['Reversed-VPN: outbound|1194||10.0.0.1']), 404, 'unknown-destination'],
  'a shorter name of a known service': [
    requestOf(['Reversed-VPN: outbound|1194||vpn-seed-server.one']),
    404,
    'unknown-destination',
  ],
  'the name of a route': [requestOf(['Reversed-VPN: one']), 400, 'malformed-destination'],
  'a port beyond all ports': [requestOf([TO_ONE.replace('1194', '66730')]), 404, 'unknown-destination'],
  'a page with a routing header': [requestOf([TO_ONE], 'GET / HTTP/1.1'), 308, 'redirected'],
  'a backend that is not there, and much behind it': [
    requestOf([TO_ONE.replace('one', 'gone')]) + 'x'.repeat(100_000),
    502,
    'backend-refused',
  ],
  'a backend whose name nobody knows': [requestOf([TO_ONE.replace('one', 'nameless')]), 502, 'lookup-failed'],
  'a backend without a way to it': [
    requestOf([TO_ONE.replace('one', 'nowhere')]),
    502,
    'backend-unreachable',
  ],
  'a backend that does not answer': [requestOf([TO_ONE.replace('one', 'silent')]), 504, 'backend-timeout'],
}

for (const [what, [request, status, reason]] of Object.entries(REQUESTS)) {
  t.test(`answers ${status} to ${what}, and reaches no other backend`, async (t) => {
    const before = [one.connections.length, two.connections.length]
    const counted = await endsBy('connect', reason)
    const end = gateway.nextEnd()
    await using client = await Client.open(gateway.connectPort)
    client.socket.write(Buffer.from(request, 'latin1'))
    t.match(await client.toTheEnd(), new RegExp(`^HTTP/1\\.1 ${status} [^\\r]+\\r\\n.*\\r\\n\\r\\n$`, 's'))
    t.match(await end, { reason })
    t.equal(await endsBy('connect', reason), counted + 1)
    t.same([one.connections.length, two.connections.length], before)
  })
}

t.test('takes the length 0 that some clients send with every CONNECT', async (t) => {
  const before = one.connections.length
  const end = gateway.nextEnd()
  await using client = await Client.open(gateway.connectPort)
  await client.say(requestOf([TO_ONE, 'Content-Length: 0']))
  await one.until(({ connections }) => connections.length > before)
  await client.until(({ heard }) => heard.includes('200 Connection established'))
  client.socket.resetAndDestroy()
  t.match(await end, { route: 'one' })
})

const hello = await clientHello({ servername: 'one.example' })
const BEGINNINGS: Readonly<Record<string, readonly [port: 'tls' | 'connect', bytes: Buffer]>> = {
  'half a ClientHello': ['tls', hello.subarray(0, hello.length / 2)],
  'a record header': ['tls', hello.subarray(0, 5)],
  'half a CONNECT': ['connect', Buffer.from(requestOf([TO_ONE]).slice(0, 40))],
  'a CONNECT without its last line': ['connect', Buffer.from(requestOf([TO_ONE]).slice(0, -2))],
}
const portOf = (port: 'tls' | 'connect') => (port === 'tls' ? gateway.tlsPort : gateway.connectPort)

for (const [what, [port, bytes]] of Object.entries({
  nothing: ['connect', Buffer.alloc(0)] as const,
  ...BEGINNINGS,
})) {
  t.test(`a client that ends its half after ${what} is closed at once`, async (t) => {
    const end = gateway.nextEnd()
    await using client = await Client.open(portOf(port))
    const startedAtMs = performance.now()
    client.socket.end(bytes)
    await client.toTheEnd()
    t.ok(performance.now() - startedAtMs < FIRST_BYTES_TIMEOUT_MS, 'not for want of time')
    t.match(await end, { reason: /^(client-left|bad-request)$/ })
  })
}

t.test('a client that ends its half behind what it has to say gets its answer', async (t) => {
  const whole = [
    ['tls', hello],
    ['connect', Buffer.from(`${requestOf([TO_ONE])}early`)],
  ] as const
  for (const [port, bytes] of whole) {
    const before = one.connections.length
    const end = gateway.nextEnd()
    await using client = await Client.open(portOf(port))
    client.socket.end(bytes)
    await one.until(({ connections }) => connections[before]?.readableEnded === true)
    t.ok(one.received(before).length > 0, 'the end comes behind all that was said')
    one.connections[before]?.end('the answer')
    t.match(await client.toTheEnd(), /the answer$/, port)
    t.match(await end, { reason: 'ended' })
  }
})

t.test('a client that never pauses has no more time than one that is silent', async (t) => {
  const endless = {
    tls: hello,
    connect: Buffer.from(`${requestOf([]).slice(0, -2)}${'X: y\r\n'.repeat(500)}`),
  }
  for (const port of ['tls', 'connect'] as const) {
    const end = gateway.nextEnd()
    await using client = await Client.open(portOf(port))
    const startedAtMs = performance.now()
    let said = 0
    const timer = setInterval(() => client.socket.write(endless[port].subarray(said, ++said)), 20)
    await client.toTheEnd()
    clearInterval(timer)
    t.ok(said > 1 && said < endless[port].length, `${said} bytes, one at a time`)
    t.ok(performance.now() - startedAtMs >= FIRST_BYTES_TIMEOUT_MS - 20)
    t.match(await end, { reason: 'first-bytes-timeout' })
  }
})

t.test('a ClientHello that goes on for ever is cut at the limit', async (t) => {
  // A handshake message of 16000 bytes is announced, and comes in records of one byte: five bytes more each.
  const announced = Buffer.from('1603010004' + '01003e80', 'hex')
  const endless = Buffer.concat([announced, ...Array<Buffer>(4000).fill(Buffer.from('160301000100', 'hex'))])
  const end = gateway.nextEnd()
  await using client = await Client.open(gateway.tlsPort)
  client.socket.write(endless)
  await client.toTheEnd()
  t.match(await end, { reason: 'hello-too-long', detail: /16384/ })
})

t.test('a long ClientHello below the limit arrives whole, however it is cut', async (t) => {
  const ALPNProtocols = Array.from({ length: 120 }, (_, index) => `protocol-${index}-${'x'.repeat(80)}`)
  const long = await clientHello({ servername: 'one.example', ALPNProtocols })
  t.ok(long.length > 8000 && long.length < 16_384, `${long.length} B`)
  const before = one.connections.length
  const end = gateway.nextEnd()
  await using client = await Client.open(gateway.tlsPort)
  for (let at = 0; at < long.length; at += 700) await client.say(long.subarray(at, at + 700))
  await one.until(() => one.received(before).length >= long.length)
  t.same(one.received(before), long)
  client.socket.resetAndDestroy()
  t.match(await end, { route: 'one' })
})

t.test('bytes behind a ClientHello without a route do not swallow the alert', async (t) => {
  const end = gateway.nextEnd()
  await using client = await Client.open(gateway.tlsPort)
  const unknown = await clientHello({ servername: 'three.example' })
  client.socket.write(Buffer.concat([unknown, Buffer.alloc(100_000)]))
  t.equal(Buffer.from(await client.toTheEnd(), 'latin1').toString('hex'), '15030300020270')
  t.match(await end, { reason: 'unknown-server-name' })
})

t.test('of all that nothing is left open', async (t) => {
  await untilIdle()
  const openNow = await openFiles()
  t.ok(openNow <= openAtFirst + ADMIN_CONNECTIONS, `${openNow} descriptors, ${openAtFirst} at first`)
})

async function endsBy(listener: string, reason: string): Promise<number> {
  const name = `sni_gateway_connections_ended_total{listener="${listener}",reason="${reason}"} `
  const line = (await gateway.metrics()).split('\n').find((text) => text.startsWith(name))
  return Number(line?.slice(name.length))
}

async function openFiles(): Promise<number> {
  return Number(/^sni_gateway_process_open_fds (\d+)$/m.exec(await gateway.metrics())?.[1])
}

async function untilIdle(): Promise<void> {
  while (!/^sni_gateway_open_connections 0$/m.test(await gateway.metrics())) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A listener whose queue is full and whose process is stopped: what comes next gets no answer. */
async function startSilentBackend() {
  const program =
    "require('net').createServer().listen({host:'127.0.0.1',port:0,backlog:1},function(){console.log(this.address().port)})"
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(line)
  child.kill('SIGSTOP')
  const fill = (): Socket => connect({ host: '127.0.0.1', port }).on('error', () => {})
  const waiting = [fill(), fill()]
  await Promise.all(waiting.map((socket) => once(socket, 'connect')))
  return {
    address: `127.0.0.1:${port}`,
    stop() {
      for (const socket of waiting) socket.destroy()
      child.kill('SIGKILL')
    },
  }
}
