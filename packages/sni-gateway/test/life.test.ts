import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Backend } from './support/backend.js'
import { Client } from './support/client.js'
import { GatewayProcess } from './support/gateway-process.js'
import { clientHello } from './support/hello.js'

const BIN = fileURLToPath(new URL('../bin/sni-gateway.js', import.meta.url))
const hello = await clientHello({ servername: 'a.example' })

function routesTo(port: number): string {
  return `routes: [{ name: a, serverNames: [a.example], backend: '127.0.0.1:${port}' }]`
}

async function openThrough(gateway: GatewayProcess, backend: Backend): Promise<Client> {
  const before = backend.connections.length
  const client = await Client.open(gateway.tlsPort)
  await client.say(hello)
  await backend.until(() => backend.received(before).length >= hello.length)
  return client
}

/**
 * Why the port takes nobody any more. It says that it stops before it has: who comes between is taken yet, or reset by the kernel
 * while the port is closed.
 */
async function refusalOf(port: number): Promise<unknown> {
  for (;;) {
    try {
      await using _client = await Client.open(port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') return error
    }
  }
}

t.test('lets open connections end when it is asked to stop, and takes no new ones', async (t) => {
  await using backend = await Backend.start()
  await using gateway = await GatewayProcess.start(routesTo(backend.port))
  await using client = await openThrough(gateway, backend)
  const stopping = gateway.waitForLog(({ msg }) => msg === 'stopping')
  const stopped = gateway.stop()
  await stopping
  t.match(await refusalOf(gateway.tlsPort), { code: 'ECONNREFUSED' })
  await client.say('still carried')
  await backend.until(() => backend.received().includes('still carried'))
  client.socket.end()
  backend.connections[0]?.end()
  t.equal(await stopped, 0)
})

t.test('cuts what has not ended after the drain timeout', async (t) => {
  await using backend = await Backend.start()
  await using gateway = await GatewayProcess.start(routesTo(backend.port), ['--drain-timeout', '100ms'])
  await using client = await openThrough(gateway, backend)
  const end = gateway.nextEnd()
  t.equal(await gateway.stop(), 0)
  t.match(await end, { reason: 'drained' })
  t.ok(client.socket.destroyed || (await client.toTheEnd()) === '')
})

for (const [state, portOf, said] of [
  ['a ClientHello', ({ tlsPort }) => tlsPort, hello.subarray(0, 10)],
  ['a CONNECT', ({ connectPort }) => connectPort, Buffer.from('CONNECT a HTTP/1.1')],
] satisfies [string, (gateway: GatewayProcess) => number, Buffer][]) {
  t.test(`waits for nobody of whom it has only half of ${state}`, async (t) => {
    await using gateway = await GatewayProcess.start(routesTo(1), ['--first-bytes-timeout', '60s'])
    await using client = await Client.open(portOf(gateway))
    await client.say(said)
    while (!/^sni_gateway_open_connections 1$/m.test(await gateway.metrics()));
    const end = gateway.nextEnd()
    const startedAtMs = performance.now()
    t.equal(await gateway.stop(), 0)
    t.ok(performance.now() - startedAtMs < 30_000, 'it is stopped at once')
    t.match(await end, { reason: 'drained' })
  })
}

t.test('cuts a connection on which nothing moves', async (t) => {
  await using backend = await Backend.start()
  await using gateway = await GatewayProcess.start(routesTo(backend.port), ['--idle-timeout', '3s'])
  const end = gateway.nextEnd()
  await using client = await openThrough(gateway, backend)
  await client.toTheEnd()
  t.match(await end, { reason: 'idle' })
})

t.test('half a connection is cut as well when nothing moves on it', async (t) => {
  await using backend = await Backend.start()
  await using gateway = await GatewayProcess.start(routesTo(backend.port), ['--idle-timeout', '3s'])
  const end = gateway.nextEnd()
  await using client = await openThrough(gateway, backend)
  client.socket.end()
  await backend.until(({ connections }) => connections[0]?.readableEnded === true)
  t.notOk(client.socket.readableEnded, 'the backend may still have something to say')
  await client.toTheEnd()
  t.match(await end, { reason: 'idle' })
  // It has read to the end, so that it finds out when it says something.
  const [left] = backend.connections
  while (left?.destroyed === false) await new Promise((resolve) => left.write('anyone?', resolve))
  t.match(await gateway.metrics(), /^sni_gateway_open_connections 0$/m)
})

t.test('limits connections of a source and of all', async (t) => {
  await using backend = await Backend.start()
  const limits = ['--max-connections', '3', '--max-connections-per-source', '2']
  await using gateway = await GatewayProcess.start(routesTo(backend.port), limits)
  await using first = await openThrough(gateway, backend)
  await using second = await openThrough(gateway, backend)
  let end = gateway.nextEnd()
  await using third = await Client.open(gateway.tlsPort)
  await third.toTheEnd()
  t.match(await end, { reason: 'source-limit' })

  await using other = await Client.open(gateway.tlsPort, '127.0.0.2')
  await other.say(hello)
  await backend.until(() => backend.connections.length === 3)
  end = gateway.nextEnd()
  await using fourth = await Client.open(gateway.tlsPort, '127.0.0.3')
  await fourth.toTheEnd()
  t.match(await end, { reason: 'too-many-connections' })

  const left = gateway.nextEnd()
  first.socket.resetAndDestroy()
  await left
  await using again = await openThrough(gateway, backend)
  t.notOk(again.socket.destroyed || second.socket.destroyed, 'a place that becomes free is given again')
})

t.test('a backend need not be there before it is needed', async (t) => {
  const earlier = await Backend.start()
  const { port } = earlier
  await earlier[Symbol.asyncDispose]()
  await using gateway = await GatewayProcess.start(routesTo(port))
  const end = gateway.nextEnd()
  await using early = await Client.open(gateway.tlsPort)
  await early.say(hello)
  await early.toTheEnd()
  t.match(await end, { reason: 'backend-refused', detail: 'ECONNREFUSED' })
  await using backend = await Backend.start({ port })
  await using client = await openThrough(gateway, backend)
  t.notOk(client.socket.destroyed)
})

t.test('tells in one line what is wrong with its options', async (t) => {
  const cases = [
    [[], /sni-gateway: --routes .*is not given/],
    [['--routes', '/nowhere.yaml'], /sni-gateway: --routes.*\/nowhere\.yaml: cannot be read: ENOENT/],
    [
      ['--routes', 'r', '--proxy-protocol-from', '10.0.0.1/8'],
      /--proxy-protocol-from "10\.0\.0\.1\/8".*expected/,
    ],
    [['--routes', 'r', '--routing-header', 'a b'], /--routing-header "a b".*expected/],
  ] as const
  for (const [args, message] of cases) {
    const { status, stderr } = spawnSync(BIN, args, { encoding: 'utf8' })
    t.equal(status, 2)
    t.match(stderr, message)
    t.equal(stderr.trim().split('\n').length, 1, stderr)
  }
})
