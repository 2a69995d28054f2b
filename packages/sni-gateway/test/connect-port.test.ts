import t from 'tap'
import { Backend } from './support/backend.js'
import { Client } from './support/client.js'
import { GatewayProcess } from './support/gateway-process.js'

const DESTINATION = 'outbound|1194||vpn-seed-server.one.svc.cluster.local'
const one = await Backend.start()
const two = await Backend.start()
const gone = await Backend.start()
const goneAddress = gone.address
await gone[Symbol.asyncDispose]()
const gateway = await GatewayProcess.start(
  `routes:
  - { name: one, destinations: ['${DESTINATION}'], backend: '${one.address}' }
  - { name: two, destinations: ['${DESTINATION.replace('one', 'two')}'], backend: '${two.address}' }
  - { name: gone, destinations: ['${DESTINATION.replace('one', 'gone')}'], backend: '${goneAddress}' }
`,
  ['--first-bytes-timeout', '3s', '--proxy-protocol-from', '127.0.0.9/32'],
)
t.teardown(async () => {
  await gateway[Symbol.asyncDispose]()
  await one[Symbol.asyncDispose]()
  await two[Symbol.asyncDispose]()
})

function connectRequest(headers: readonly string[], version = '1.1'): string {
  return [`CONNECT ignored.example:1 HTTP/${version}`, 'Host: ignored.example', ...headers, '', ''].join(
    '\r\n',
  )
}

const OK = 'HTTP/1.1 200 Connection established\r\n\r\n'

for (const header of ['Reversed-VPN', 'X-Gardener-Destination', 'reversed-vpn']) {
  for (const version of ['1.0', '1.1']) {
    t.test(`a CONNECT of HTTP/${version} goes where ${header} says, whatever its target`, async (t) => {
      const before = one.connections.length
      const end = gateway.nextEnd()
      await using client = await Client.open(gateway.connectPort)
      await client.say(`${connectRequest([`${header}: ${DESTINATION}`], version)}early`)
      await client.until(({ heard }) => heard.length >= OK.length)
      t.equal(client.heard.toString(), OK)
      await one.until(({ connections }) => connections.length > before && one.received(before).length >= 5)
      t.equal(one.received(before).toString(), 'early', 'what came right behind is not lost')
      one.connections[before]?.end('answer')
      client.socket.end()
      t.equal(await client.toTheEnd(), `${OK}answer`)
      t.match(await end, {
        reason: 'ended',
        route: 'one',
        destination: DESTINATION,
        bytesToBackend: 5,
        bytesToClient: 6,
      })
    })
  }
}

t.test('takes a CONNECT that comes a byte at a time', async (t) => {
  const before = two.connections.length
  await using client = await Client.open(gateway.connectPort)
  const request = connectRequest([`Reversed-VPN: ${DESTINATION.replace('one', 'two')}`])
  await client.sayByteByByte(Buffer.from(request))
  await client.until(({ heard }) => heard.length >= OK.length)
  await two.until(({ connections }) => connections.length === before + 1)
  t.equal(client.heard.toString(), OK)
})

const REFUSED: readonly (readonly [what: string, request: string, status: number, reason: string])[] = [
  [
    'an unknown destination',
    connectRequest([`Reversed-VPN: ${DESTINATION.replace('one', 'three')}`]),
    404,
    'unknown-destination',
  ],
  ['an address as destination', connectRequest(['Reversed-VPN: 127.0.0.1:22']), 400, 'malformed-destination'],
  [
    'another port of a known service',
    connectRequest([`Reversed-VPN: ${DESTINATION.replace('1194', '443')}`]),
    404,
    'unknown-destination',
  ],
  [
    'a subset',
    connectRequest([`Reversed-VPN: ${DESTINATION.replace('||', '|v1|')}`]),
    400,
    'malformed-destination',
  ],
  [
    'two routing headers of a name',
    connectRequest([`Reversed-VPN: ${DESTINATION}`, `Reversed-VPN: ${DESTINATION}`]),
    400,
    'several-destinations',
  ],
  [
    'two routing headers of two names',
    connectRequest([`Reversed-VPN: ${DESTINATION}`, `X-Gardener-Destination: ${DESTINATION}`]),
    400,
    'several-destinations',
  ],
  [
    'two destinations in one header',
    connectRequest([`Reversed-VPN: ${DESTINATION}, ${DESTINATION}`]),
    400,
    'malformed-destination',
  ],
  ['a folded header', connectRequest([`Reversed-VPN: ${DESTINATION}\r\n .evil.example`]), 400, 'bad-request'],
  ['a NUL in a header', connectRequest([`Reversed-VPN: ${DESTINATION}\0`]), 400, 'bad-request'],
  ['a space before the colon', connectRequest([`Reversed-VPN : ${DESTINATION}`]), 400, 'bad-request'],
  ['a bare CR', connectRequest([`Reversed-VPN: ${DESTINATION}\rX: y`]), 400, 'bad-request'],
  [
    'a header beyond the limit',
    connectRequest([`X: ${'x'.repeat(9000)}`, `Reversed-VPN: ${DESTINATION}`]),
    431,
    'header-too-long',
  ],
  ['garbage', 'garbage\r\n\r\n', 400, 'bad-request'],
  ['TLS', Buffer.from('16030100', 'hex').toString('latin1'), 400, 'bad-request'],
  ['a CONNECT without routing header', connectRequest([]), 308, 'no-destination'],
  ['a plain request', 'GET /healthz?a=b HTTP/1.1\r\nHost: api.one.example:8132\r\n\r\n', 308, 'redirected'],
  [
    'a plain request that names the server in its first line, as to a proxy',
    'GET http://api.one.example/healthz?a=b HTTP/1.1\r\nHost: proxy.example:8132\r\n\r\n',
    308,
    'redirected',
  ],
  [
    'a CONNECT behind a plain request',
    `GET /healthz?a=b HTTP/1.1\r\nHost: api.one.example:8132\r\n\r\n${connectRequest([`Reversed-VPN: ${DESTINATION}`])}`,
    308,
    'redirected',
  ],
  ['a plain request with a host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'bad-request'],
  ['a plain request without host', 'GET / HTTP/1.0\r\n\r\n', 400, 'bad-request'],
  [
    'a backend that is not there',
    connectRequest([`Reversed-VPN: ${DESTINATION.replace('one', 'gone')}`]),
    502,
    'backend-refused',
  ],
]

for (const [what, request, status, reason] of REFUSED) {
  t.test(`answers ${status} to ${what}, and reaches no backend`, async (t) => {
    const before = [one.connections.length, two.connections.length]
    const end = gateway.nextEnd()
    await using client = await Client.open(gateway.connectPort)
    await client.say(Buffer.from(request, 'latin1'))
    const answer = await client.toTheEnd()
    t.match(
      answer,
      new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n$`, 's'),
    )
    if (status === 308)
      t.match(answer, /\r\nLocation: https:\/\/(ignored\.example\/|api\.one\.example\/healthz\?a=b)\r\n/)
    t.match(await end, { reason })
    t.same([one.connections.length, two.connections.length], before)
  })
}

t.test('takes a CONNECT behind a PROXY protocol header', async (t) => {
  const before = one.connections.length
  const end = gateway.nextEnd()
  await using client = await Client.open(gateway.connectPort, '127.0.0.9')
  await client.say(
    `PROXY TCP4 192.0.2.1 198.51.100.2 4000 8132\r\n${connectRequest([`Reversed-VPN: ${DESTINATION}`])}early`,
  )
  await one.until(({ connections }) => connections.length > before && one.received(before).length >= 5)
  await client.until(({ heard }) => heard.length >= OK.length)
  client.socket.resetAndDestroy()
  t.match(await end, { client: '192.0.2.1:4000', route: 'one' })
})

t.test('cuts a client that says nothing, or not enough, in time', async (t) => {
  for (const said of ['', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n']) {
    const end = gateway.nextEnd()
    await using client = await Client.open(gateway.connectPort)
    if (said !== '') await client.say(said)
    await client.toTheEnd()
    t.match(await end, { reason: 'first-bytes-timeout' })
  }
})

t.test('notes a client that leaves early', async (t) => {
  const end = gateway.nextEnd()
  const client = await Client.open(gateway.connectPort)
  await client.say('CONNECT ')
  await client[Symbol.asyncDispose]()
  t.match(await end, { reason: /client-left|bad-request/ })
})
