import { destinationOf, startHaproxy, startSniGateway } from '@reversed-vpn/test/lab'
import t from 'tap'
import { TunnelLab } from './support/tunnel-lab.js'

const FAILED_DIALS = 5
const PORT = 9001

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, hosts } = stage
const backend = `${hosts.seed.addresses.ipv4}:1194`
const relayArgs = ['--server', `${hosts.gateway.addresses.ipv4}:${PORT}`]

// What a Service without publishNotReadyAddresses is to a gateway.
t.test('no tunnel ever comes up behind a gateway that waits for a ready seed-server', async (t) => {
  await using seed = await stage.startSeed()
  const checked = `check port ${seed.adminPort} inter 100ms fall 1 rise 1`
  await using gateway = await startHaproxy(
    lab,
    hosts.gateway,
    PORT,
    `listen tunnel\n  bind :${PORT}\n  option httpchk GET /readyz\n  server seed ${backend} ${checked}`,
  )
  await gateway.waitForLine(/seed is DOWN/)
  await using client = await stage.startClient({ args: relayArgs })
  let failed = 0
  await client.waitForLog(({ msg }) => msg === 'dial failed' && ++failed === FAILED_DIALS)
  t.match(await seed.admin('/readyz'), { status: 503, body: /no session with a shoot-client is up/ })
  t.notOk(await client.isReady())
  t.notOk(gateway.output.some(({ text }) => /seed is UP/.test(text)))
  t.notOk(client.logs.some(({ msg }) => msg === 'lane opened'))
})

const TAKING_ALL = {
  'sni-gateway': async () => {
    const destination = destinationOf('shoot--lab')
    const routes = [{ name: 'lab', destinations: [destination], backend }]
    const { daemon, url } = await startSniGateway(lab, { routes })
    return { gateway: daemon, args: ['--gateway', url, '--header', `Reversed-VPN: ${destination}`] }
  },
  'haproxy without a check': async () => {
    const relay = `listen tunnel\n  bind :${PORT}\n  server seed ${backend}`
    return { gateway: await startHaproxy(lab, hosts.gateway, PORT, relay), args: relayArgs }
  },
}

for (const [name, start] of Object.entries(TAKING_ALL)) {
  t.test(`behind ${name} the tunnel comes up, and makes the seed-server ready`, async (t) => {
    await using seed = await stage.startSeed()
    const { gateway, args } = await start()
    await using _gateway = gateway
    t.equal((await seed.admin('/readyz')).status, 503)
    await using client = await stage.startClient({ args })
    await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])
    t.equal((await seed.admin('/readyz')).status, 200)
  })
}
