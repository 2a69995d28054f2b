// What clients that do not read can make a gateway hold.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { GatewayProcess } from './support/gateway-process.js'
import { clientHello } from './support/hello.js'

const MIB = 2 ** 20
const CLIENTS = 120
/** Of each answer: more than the kernel holds of a connection. */
const ANSWER_BYTES = 16 * MIB
/** Of all together, and of what V8 has not collected of the scrapes. With as much as libuv likes to read it was twice that. */
const MAX_GROWTH_BYTES = 24 * MIB
const block = Buffer.alloc(65_536, 'x')
const hello = await clientHello({ servername: 'a.example' })

async function start(t: Test, args: readonly string[]): Promise<GatewayProcess> {
  const backends = new Set<Socket>()
  const server = createServer((socket) => {
    backends.add(socket.on('error', () => {}).resume())
    let left = ANSWER_BYTES
    const send = () => {
      while (left > 0) {
        left -= block.length
        if (!socket.write(block)) return void socket.once('drain', send)
      }
      socket.end()
    }
    send()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const routes = `routes: [{ name: a, serverNames: [a.example], backend: '127.0.0.1:${port}' }]`
  const gateway = await GatewayProcess.start(routes, args)
  t.teardown(async () => {
    await gateway[Symbol.asyncDispose]()
    for (const socket of backends) socket.destroy()
    server.close()
  })
  return gateway
}

async function openUnread(t: Test, { tlsPort }: GatewayProcess, count: number): Promise<Socket[]> {
  const clients = Array.from({ length: count }, () => connect(tlsPort, '127.0.0.1').pause())
  t.teardown(() => {
    for (const client of clients) client.destroy()
  })
  await Promise.all(clients.map((client) => once(client, 'connect')))
  for (const client of clients) client.on('error', () => {}).write(hello)
  return clients
}

async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  return Number(new RegExp(`^sni_gateway_${name} (\\S+)$`, 'm').exec(await gateway.metrics())?.[1])
}

async function untilPaused(gateway: GatewayProcess, count: number): Promise<void> {
  while ((await metric(gateway, 'paused_directions')) !== count) await delay(50)
}

t.test('who does not read is not read for, and holds little of the gateway meanwhile', async (t) => {
  const gateway = await start(t, [])
  for (let scrape = 0; scrape < 20; scrape++) await gateway.metrics()
  const before = await metric(gateway, 'process_resident_memory_bytes')
  await openUnread(t, gateway, CLIENTS)
  await untilPaused(gateway, CLIENTS)
  const grown = (await metric(gateway, 'process_resident_memory_bytes')) - before
  t.ok(grown < MAX_GROWTH_BYTES, `${(grown / MIB).toFixed(1)} MiB more`)
  const waiting = await metric(gateway, 'waiting_bytes')
  t.ok(waiting > 0 && waiting <= CLIENTS * 80 * 1024, `${waiting} B wait`)
})

t.test('without room for bulk every answer arrives whole, in small pieces', async (t) => {
  const gateway = await start(t, ['--memory-max', String(MIB), '--max-connections', '8'])
  const clients = await openUnread(t, gateway, 8)
  await untilPaused(gateway, 8)
  t.ok((await metric(gateway, 'waiting_bytes')) <= 10 * 32 * 1024)
  const lengths = clients.map(async (client) => {
    let length = 0
    for await (const chunk of client) length += (chunk as Buffer).length
    return length
  })
  t.same(await Promise.all(lengths), Array(8).fill(ANSWER_BYTES))
  t.equal(await metric(gateway, 'waiting_bytes'), 0)
})
