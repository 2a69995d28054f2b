import { readFileSync } from 'node:fs'
import t from 'tap'
import { Backend } from './support/backend.js'
import { Client } from './support/client.js'
import { GatewayProcess } from './support/gateway-process.js'
import { clientHello } from './support/hello.js'

const api = await Backend.start()
const tunnel = await Backend.start()
const proxied = await Backend.start()
const routes = `routes:
  - { name: api, serverNames: [api.one.example], backend: '${api.address}' }
  - { name: tunnel, serverNames: [api.one.example], alpn: reversed-vpn/1, backend: '${tunnel.address}' }
  - { name: told-v1, serverNames: [v1.example], backend: '${proxied.address}', proxyProtocol: v1 }
  - { name: told-v2, serverNames: [v2.example], backend: '${proxied.address}', proxyProtocol: v2 }
`
const gateway = await GatewayProcess.start(routes, [
  '--first-bytes-timeout',
  '3s',
  '--proxy-protocol-from',
  '127.0.0.9/32',
])
t.teardown(async () => {
  await gateway[Symbol.asyncDispose]()
  for (const backend of [api, tunnel, proxied]) await backend[Symbol.asyncDispose]()
})

t.test('passes a ClientHello on as it came, to the backend of its server name', async (t) => {
  const hello = await clientHello({ servername: 'Api.One.Example' })
  const before = api.connections.length
  const end = gateway.nextEnd()
  await using client = await Client.open(gateway.tlsPort)
  await client.sayByteByByte(hello)
  await api.until(() => api.received(before).length >= hello.length)
  t.same(api.received(before), hello)
  api.connections[before]?.end('and back')
  client.socket.end('more')
  t.equal(await client.toTheEnd(), 'and back')
  t.match(await end, {
    reason: 'ended',
    route: 'api',
    serverName: 'Api.One.Example',
    bytesToBackend: hello.length + 4,
  })
})

t.test('tells tunnel from kube-apiserver by protocol', async (t) => {
  const hello = await clientHello({ servername: 'api.one.example', ALPNProtocols: ['reversed-vpn/1'] })
  const before = tunnel.connections.length
  await using client = await Client.open(gateway.tlsPort)
  await client.say(hello)
  await tunnel.until(() => tunnel.received(before).length >= hello.length)
  t.same(tunnel.received(before), hello)
})

const UNRECOGNIZED_NAME = '15030300020270'
for (const [what, options, reason] of [
  ['an unknown name', { servername: 'api.two.example' }, 'unknown-server-name'],
  ['no name', {}, 'no-server-name'],
] as const) {
  t.test(`ends a ClientHello with ${what} with the alert unrecognized_name`, async (t) => {
    const end = gateway.nextEnd()
    await using client = await Client.open(gateway.tlsPort)
    await client.say(await clientHello(options))
    await client.toTheEnd()
    t.equal(client.heard.toString('hex'), UNRECOGNIZED_NAME)
    t.match(await end, { reason })
  })
}

for (const [what, bytes, reason] of [
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'not-tls'],
  ['a ClientHello beyond the limit', Buffer.from('160301000401004001', 'hex'), 'hello-too-long'],
  ['a torn ClientHello', Buffer.from('16030100080100000403030000', 'hex'), 'hello-malformed'],
  ['a PROXY protocol header from one who may not send it', Buffer.from('PROXY UNKNOWN\r\n'), 'not-tls'],
] as const) {
  t.test(`closes on ${what}`, async (t) => {
    const end = gateway.nextEnd()
    await using client = await Client.open(gateway.tlsPort)
    await client.say(bytes)
    t.equal(await client.toTheEnd(), '')
    t.match(await end, { reason })
  })
}

t.test('cuts a ClientHello that does not come to its end', async (t) => {
  const hello = await clientHello({ servername: 'api.one.example' })
  const end = gateway.nextEnd()
  await using client = await Client.open(gateway.tlsPort)
  await client.say(hello.subarray(0, -1))
  await client.toTheEnd()
  t.match(await end, { reason: 'first-bytes-timeout' })
})

t.test('believes a load balancer that may say for whom it connects, and tells the backend', async (t) => {
  const told = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 4000 443\r\n')
  const expected = {
    v1: 'PROXY TCP4 192.0.2.1 198.51.100.2 4000 443\r\n',
    v2: Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000201c63364020fa001bb', 'hex').toString('latin1'),
  }
  for (const version of ['v1', 'v2'] as const) {
    const hello = await clientHello({ servername: `${version}.example` })
    const before = proxied.connections.length
    const end = gateway.nextEnd()
    await using client = await Client.open(gateway.tlsPort, '127.0.0.9')
    await client.sayByteByByte(told)
    await client.say(hello)
    const wanted = expected[version] + hello.toString('latin1')
    await proxied.until(() => proxied.received(before).length >= wanted.length)
    t.equal(proxied.received(before).toString('latin1'), wanted)
    client.socket.resetAndDestroy()
    t.match(await end, { client: '192.0.2.1:4000' })
  }
})

for (const [what, said, reason] of [
  ['without header', 'hello', 'proxy-header-missing'],
  ['with a header that is none', 'PROXY TCP4 a b c d\r\n', 'proxy-header-malformed'],
] as const) {
  t.test(`closes a load balancer's connection ${what}`, async (t) => {
    const end = gateway.nextEnd()
    await using client = await Client.open(gateway.tlsPort, '127.0.0.9')
    await client.say(said)
    await client.toTheEnd()
    t.match(await end, { reason })
  })
}

t.test('a client that is reset resets the backend, and the other way round', async (t) => {
  const hello = await clientHello({ servername: 'api.one.example' })
  for (const side of ['client', 'backend'] as const) {
    const before = api.connections.length
    const end = gateway.nextEnd()
    await using client = await Client.open(gateway.tlsPort)
    await client.say(hello)
    await api.until(() => api.received(before).length >= hello.length)
    const backend = api.connections[before]
    ;(side === 'client' ? client.socket : backend)?.resetAndDestroy()
    await (side === 'client'
      ? api.until(() => backend?.destroyed === true)
      : client.until(({ socket }) => socket.destroyed))
    t.match(await end, { reason: `${side}-reset` })
  }
})

t.test('who does not read is not read for: the other end has to wait, and loses nothing', async (t) => {
  const hello = await clientHello({ servername: 'api.one.example' })
  const before = api.connections.length
  await using client = await Client.open(gateway.tlsPort)
  await client.say(hello)
  await api.until(() => api.received(before).length >= hello.length)
  client.socket.pause()
  const backend = api.connections[before]
  const mebibyte = Buffer.alloc(1_048_576, 'x')
  let writtenMebibytes = 0
  while (writtenMebibytes < 256 && backend?.write(mebibyte)) writtenMebibytes++
  // What is not taken stays with the sender; 64 more than kernel buffers hold, which would all have to be here.
  for (let i = 0; i < 64; i++) backend?.write(mebibyte)
  backend?.end()
  const rss = Number(/^sni_gateway_process_resident_memory_bytes (\S+)/m.exec(await gateway.metrics())?.[1])
  t.ok(rss < 200e6, `${rss} B resident`)
  await using other = await Client.open(gateway.tlsPort)
  await other.say(hello)
  await api.until(() => api.received(before + 1).length >= hello.length)
  client.socket.resume()
  await client.until(({ socket }) => socket.readableEnded)
  t.equal(client.heard.length, (writtenMebibytes + 65) * mebibyte.length, 'all of it came')
})

t.test('takes new routes when the file changes, and leaves open connections alone', async (t) => {
  const hello = await clientHello({ servername: 'api.one.example' })
  const before = api.connections.length
  await using old = await Client.open(gateway.tlsPort)
  await old.say(hello)
  await api.until(() => api.received(before).length >= hello.length)
  const taken = gateway.waitForLog(({ msg }) => msg === 'routes taken')
  gateway.writeRoutes(routes.replaceAll('api.one.example', 'api.new.example'))
  t.match(await taken, { changed: ['api', 'tunnel'], added: [], removed: [] })

  const end = gateway.nextEnd()
  await using late = await Client.open(gateway.tlsPort)
  await late.say(hello)
  await late.toTheEnd()
  t.match(await end, { reason: 'unknown-server-name' })
  await old.say('still here')
  await api.until(() => api.received(before).includes('still here'))
  t.pass('the old one goes on')
})

t.test('a file that cannot be used is refused, and the routes before stay', async (t) => {
  gateway.writeRoutes('routes: [{')
  gateway.signal('SIGHUP')
  const refused = await gateway.waitForLog(({ msg }) => msg === 'reload failed, going on as before')
  t.match(refused, { part: 'routes', reason: /routes\.yaml: .*line 1/ })
  t.match(await gateway.metrics(), /sni_gateway_route_reloads_total\{outcome="refused"\} [1-9]/)
  const hello = await clientHello({ servername: 'api.new.example' })
  const before = api.connections.length
  await using client = await Client.open(gateway.tlsPort)
  await client.say(hello)
  await api.until(() => api.received(before).length >= hello.length)
  t.pass('still routed')
})

t.test('every metric has a name and a help text of ours', async (t) => {
  const names = [...(await gateway.metrics()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  const own = names.filter((name) => !/^sni_gateway_(process|nodejs)_/.test(name ?? ''))
  t.same(own.sort(), [
    'sni_gateway_backend_dial_seconds',
    'sni_gateway_build_info',
    'sni_gateway_client_sources',
    'sni_gateway_connections_ended_total',
    'sni_gateway_log_lines_dropped_total',
    'sni_gateway_open_connections',
    'sni_gateway_paused_directions',
    'sni_gateway_relayed_bytes_total',
    'sni_gateway_route_reloads_total',
    'sni_gateway_routes',
    'sni_gateway_waiting_bytes',
  ])
  t.ok(readFileSync(gateway.routesFile).length > 0)
})
