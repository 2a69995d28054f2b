import { binOf, type ConnectGateway, startConnectGateway, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { Download, LASTING_BYTES } from './support/download.js'
import { publishNoise } from './support/files.js'
import { readMachine } from './support/machine.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'
import { ownTables, readTunnel } from './support/tunnel-state.js'

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { internet, node, pod1, seed: seedHost } = lab.hosts
await startNginx(lab, pod1)
const noise = await publishNoise(lab, pod1, 'noise', LASTING_BYTES)
let gateway: ConnectGateway = await startConnectGateway(lab)
let { seed, client } = await stage.startBoth([], { gateway })

type Way = 'routed' | 'proxied'

/** One over each way, the routed one over IPv6. */
function startDownloads(ways: readonly Way[] = ['routed', 'proxied']): Promise<Download[]> {
  const { ipv4, ipv6 } = pod1.addresses
  return Promise.all(
    ways.map((way) => {
      const url = `http://${inUrl(way === 'routed' ? ipv6 : ipv4)}/noise`
      return Download.start(stage, { way, url, original: noise })
    }),
  )
}

const CUTS = [
  {
    what: 'the gateway is killed and comes back',
    cut: () => gateway.stop('SIGKILL'),
    mend: async () => {
      gateway = await startConnectGateway(lab)
    },
  },
  {
    what: 'the connection is reset by the kernel',
    cut: async () => {
      await node.mustRun('ss', ['-t', '-K', 'dport', '=', String(gateway.port)])
    },
    mend: async () => {},
  },
  {
    what: 'the cable is pulled and put back, in silence',
    cut: async (t: Test) => {
      const noticed = [seed, client].map((daemon) =>
        daemon.waitForLog(({ msg }) => msg === 'session closed', { fromLine: daemon.process.output.length }),
      )
      await internet.ip(['link set node0 down'])
      await Promise.all(noticed)
      t.equal((await seed.admin('/readyz')).status, 503)
      t.equal((await client.admin('/readyz')).status, 503)
      t.equal((await seed.admin('/healthz')).status, 200)
    },
    mend: () => internet.ip(['link set node0 up']),
  },
] as const

for (const { what, cut, mend } of CUTS) {
  t.test(`what is inside goes on when ${what}`, async (t) => {
    const before = await Promise.all([readTunnel(seedHost), readTunnel(node)])
    const downloads = await startDownloads()
    const fromLine = client.process.output.length
    await cut(t)
    await client.waitForLog(({ msg }) => msg === 'session closed', { fromLine })
    t.ok(
      downloads.every(({ isUnderWay }) => isUnderWay),
      'cut in the middle',
    )
    await mend()
    await client.waitForLog(({ msg }) => msg === 'session opened', { fromLine })
    await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
    await expectIntact(t, downloads)
    const after = await Promise.all([readTunnel(seedHost), readTunnel(node)])
    t.strictSame(after, before, 'TUN, addresses, routes, rules and firewall were not touched')
  })
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  t.test(`what is inside goes on when the seed-server gets ${signal} and is started again`, async (t) => {
    const before = await readTunnel(node)
    // What goes through the proxy ends with its process.
    const downloads = await startDownloads(['routed'])
    const fromLine = client.process.output.length
    await seed.stop(signal)
    await client.waitForLog(({ msg }) => msg === 'session closed', { fromLine })
    t.ok(
      downloads.every(({ isUnderWay }) => isUnderWay),
      'cut in the middle',
    )
    seed = await stage.startSeed()
    await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
    await expectIntact(t, downloads)
    t.strictSame(await readTunnel(node), before, 'nothing was touched on the shoot side')
    t.equal((await ownTables(seedHost)).length, 1)
    t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
  })
}

t.test('what is inside goes on when the shoot-client is killed and started again', async (t) => {
  const before = await readTunnel(node)
  const downloads = await startDownloads()
  const fromLine = seed.process.output.length
  await client.stop('SIGKILL')
  await seed.waitForLog(({ msg }) => msg === 'session closed', { fromLine })
  t.equal((await seed.admin('/readyz')).status, 503)
  t.strictSame(await ownTables(node), before.tables, 'its firewall stays behind')
  client = await stage.startClient({ gateway })
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  await expectIntact(t, downloads)
  const after = await readTunnel(node)
  t.equal(after.tables.length, 1, 'one firewall')
  t.not(after.tables[0]?.handle, before.tables[0]?.handle, 'a new one')
  t.equal(after.nftables, before.nftables, 'the same rules')
  t.strictSame(after.routes, before.routes)
})

t.test('both leave nothing behind at last', async (t) => {
  await client.stop()
  await seed.stop()
  await node.mustRun(binOf('shoot-client'), ['setup', '--undo'])
  await seedHost.mustRun(binOf('seed-server'), ['setup', '--undo'])
  for (const host of [node, seedHost]) {
    const machine = await readMachine(host)
    t.notMatch(machine.nftables, /reversed_vpn/)
    t.notMatch(
      [...machine.links, ...machine.routes, machine.rules].join('\n'),
      /vpn0|192\.168\.123|blackhole/,
    )
  }
})

async function expectIntact(t: Test, downloads: readonly Download[]): Promise<void> {
  const outcomes = await Promise.all(downloads.map((download) => download.outcome()))
  t.strictSame(
    outcomes,
    downloads.map(() => 'intact'),
    'every byte arrived over the same connection',
  )
}
