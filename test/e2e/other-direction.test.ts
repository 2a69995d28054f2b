import { appendFile, writeFile } from 'node:fs/promises'
import {
  type CertificateRequest,
  type Daemon,
  type Host,
  type KeyPair,
  NODE_PUBLIC,
  ROUTED_CALLER,
  seedServerRequest,
  shootClientRequest,
  startNginx,
  startSeedServer,
  startShootClient,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { Download, LASTING_BYTES } from './support/download.js'
import { publishNoise } from './support/files.js'
import { inUrl, QUICK_RECONNECT, QUICK_TIMES, TunnelLab } from './support/tunnel-lab.js'

const PORT = 4314
const LANES = 3

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { node, node2, pod1, pod2, seed: seedHost } = lab.hosts
const { tunnelCa } = certificates
const forBoth = (request: CertificateRequest) => tunnelCa.issue({ ...request, usage: 'both' })
const [seedServer, shootClient] = await Promise.all([
  forBoth(seedServerRequest()),
  forBoth(shootClientRequest()),
])
const hostsFile = `/etc/netns/${seedHost.netns}/hosts`
await Promise.all([pod1, pod2, node2].map((host) => startNginx(lab, host)))
const noise = await publishNoise(lab, pod1, 'noise', LASTING_BYTES)
// What the load balancer of the shoot does.
await node.nft(`add rule inet lab direct tcp dport ${PORT} accept\n`)

function startSeed(target: string, pair: KeyPair = seedServer): Promise<Daemon> {
  const args = [...QUICK_TIMES, ...QUICK_RECONNECT, ...ROUTED_CALLER, '--dial', `${target}:${PORT}`]
  return startSeedServer(lab, { certificates: { ...certificates, seedServer: pair }, args })
}

function startClient(args: readonly string[] = [], client: KeyPair = shootClient): Promise<Daemon> {
  const listening = [...QUICK_TIMES, '--listen', `[::]:${PORT}`, ...args]
  return startShootClient(lab, { certificates, client, args: listening })
}

let seed: Daemon
let client: Daemon

t.test('the seed-server dials until a shoot-client listens, and both are ready then', async (t) => {
  seed = await startSeed(NODE_PUBLIC.ipv4)
  await seed.waitForLog(({ msg, reason }) => msg === 'dial failed' && reason === 'refused')
  t.equal((await seed.admin('/readyz')).status, 503)
  client = await startClient()
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  t.match(await seed.status(), {
    tunnelUp: true,
    transport: `TCP to ${NODE_PUBLIC.ipv4}:${PORT}`,
    sessions: [{ state: 'active', peer: { name: 'vpn-shoot-client', remoteAddress: NODE_PUBLIC.ipv4 } }],
  })
  t.match(await client.status(), {
    tunnelUp: true,
    transport: `listening on [::]:${PORT}`,
    session: { peer: { name: 'vpn-seed-server' } },
  })
  t.ok(await count(seed, 'seed_server_tunnel_dial_failures_total{reason="refused"}'))
  t.equal(await count(seed, 'seed_server_tunnel_session_up'), 1)
  t.equal(await count(client, 'shoot_client_tunnel_session_up'), 1)
})

for (const { what, addresses, page } of [
  { what: 'a pod', addresses: pod1.addresses, page: /^pod1\n$/ },
  { what: 'a service', addresses: lab.service, page: /^pod[12]\n$/ },
  { what: 'a node', addresses: node2.addresses, page: /^node2\n$/ },
]) {
  t.test(`${what} answers through the egress proxy`, async (t) => {
    for (const address of [addresses.ipv4, addresses.ipv6]) {
      t.match(await stage.curlEgress(`http://${inUrl(address)}/`), { code: 0, stdout: page }, address)
    }
  })
}

t.test('the port that the seed-server dials is not reached through the tunnel', async (t) => {
  const { code } = await stage.curlRouted(`http://${node.addresses.ipv4}:${PORT}/`, ['-m', '1'])
  t.equal(code, 28, 'the firewall is silent')
})

for (const { where, host, filter } of [
  { where: 'on the side that dialled', host: seedHost, filter: 'dport' },
  { where: 'on the side that listens', host: node, filter: 'sport' },
]) {
  t.test(`what is inside goes on when the connection is cut ${where}`, async (t) => {
    const downloads = await startDownloads()
    const fromLine = client.process.output.length
    await cut(host, filter)
    await client.waitForLog(({ msg }) => msg === 'session opened', { fromLine })
    await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
    await expectIntact(t, downloads)
  })
}

t.test('a shoot-client that is killed and started again is dialled again', async (t) => {
  const fromLine = seed.process.output.length
  await client.stop('SIGKILL')
  client = await startClient(['--lanes', String(LANES)])
  await seed.waitForLog(({ msg }) => msg === 'session active', { fromLine })
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0 })
})

t.test('as many lanes are dialled as the shoot-client wants, and one that is lost comes back', async (t) => {
  await untilLanes()
  const { stdout } = await node.mustRun('ss', ['-Htn', 'state', 'established', 'sport', '=', String(PORT)])
  const ports = stdout.match(/(?<=:)\d+(?=\s*$)/gm) ?? []
  t.equal(ports.length, LANES)
  const downloads = await startDownloads()
  const fromLine = client.process.output.length
  await node.mustRun('ss', ['-t', '-K', 'dport', '=', String(ports.at(-1))])
  const lost = await client.waitForLog(({ msg }) => msg === 'lane lost', { fromLine })
  await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && lane === lost.lane, { fromLine })
  await expectIntact(t, downloads)
  await untilLanes()
  t.equal(await count(client, 'shoot_client_tunnel_sessions_opened_total'), 1, 'the same session')
})

t.test('the name is looked up anew for every dial, and every address of it tried', async (t) => {
  await seed.stop()
  const { gateway } = lab.hosts
  await appendFile(hostsFile, `${gateway.addresses.ipv4} load-balancer\n`)
  seed = await startSeed('load-balancer')
  await seed.waitForLog(({ msg, reason }) => msg === 'dial failed' && reason === 'refused')
  await writeFile(hostsFile, `${gateway.addresses.ipv6} load-balancer\n${NODE_PUBLIC.ipv4} load-balancer\n`)
  await seed.waitUntilReady()
  t.match(await seed.status(), { transport: `TCP to load-balancer:${PORT}`, tunnelUp: true })
})

t.test('a certificate for the other use alone is refused, and both sides say so', async (t) => {
  await Promise.all([seed.stop(), client.stop()])
  t.test('of the seed-server, which is the TLS client here', async (t) => {
    await using strictClient = await startClient()
    await using wrongSeed = await startSeed(NODE_PUBLIC.ipv4, certificates.seedServer)
    t.match(await strictClient.waitForLog(({ msg }) => msg === 'connection refused'), {
      reason: 'wrong-usage',
    })
    t.match(await wrongSeed.waitForLog(({ msg }) => msg === 'dial failed'), {
      reason: 'rejected',
      detail: /wrong-usage/,
    })
    t.ok(await count(strictClient, 'shoot_client_tunnel_refusals_total{reason="wrong-usage"}'))
    t.ok(await count(wrongSeed, 'seed_server_tunnel_dial_failures_total{reason="rejected"}'))
    t.notOk(await strictClient.isReady())
  })
  t.test('of the shoot-client, which is the TLS server here', async (t) => {
    await using wrongClient = await startClient([], certificates.shootClient)
    await using strictSeed = await startSeed(NODE_PUBLIC.ipv4)
    t.match(await strictSeed.waitForLog(({ msg }) => msg === 'dial failed'), { reason: 'wrong-usage' })
    t.match(await wrongClient.waitForLog(({ msg }) => msg === 'connection refused'), {
      reason: 'refused-by-peer',
      detail: /wrong-usage/,
    })
    t.ok(await count(strictSeed, 'seed_server_tunnel_dial_failures_total{reason="wrong-usage"}'))
    t.notOk(await strictSeed.isReady())
  })
})

t.test('both directions at once are a usage error that names both flags', async (t) => {
  const seedTwice = await seedHost.run(process.execPath, [
    ...program('seed-server'),
    ...['--dial', '192.0.2.1:1', '--listen', '[::]:1194', ...seedFiles()],
  ])
  t.match(seedTwice, { code: 2, stderr: /^seed-server: --dial .*--listen.*\n$/ })
  for (const [flag, value] of [
    ['--gateway', 'http://gateway:8132'],
    ['--sni', 'seed.example'],
  ] as const) {
    const result = await node.run(process.execPath, [
      ...program('shoot-client'),
      ...['--listen', `[::]:${PORT}`, flag, value, ...clientFiles()],
    ])
    t.match(result, { code: 2, stderr: new RegExp(`^shoot-client: ${flag} .*--listen.*\\n$`) })
  }
})

function program(name: 'seed-server' | 'shoot-client'): string[] {
  return [new URL(`../../../packages/${name}/bin/${name}.js`, import.meta.url).pathname]
}

function seedFiles(): string[] {
  const { certFile, keyFile } = seedServer
  return [
    '--tls-cert',
    certFile,
    '--tls-key',
    keyFile,
    '--tls-ca',
    tunnelCa.certFile,
    '--pod-network',
    '10.1.0.0/16',
  ]
}

function clientFiles(): string[] {
  const { certFile, keyFile } = shootClient
  return ['--tls-cert', certFile, '--tls-key', keyFile, '--tls-ca', tunnelCa.certFile]
}

function startDownloads(): Promise<Download[]> {
  return Promise.all(
    (['routed', 'proxied'] as const).map((way) => {
      const url = `http://${inUrl(way === 'routed' ? pod1.addresses.ipv6 : pod1.addresses.ipv4)}/noise`
      return Download.start(stage, { way, url, original: noise })
    }),
  )
}

async function cut(host: Host, filter: string): Promise<void> {
  await host.mustRun('ss', ['-t', '-K', filter, '=', String(PORT)])
}

async function expectIntact(t: Test, downloads: readonly Download[]): Promise<void> {
  for (const download of downloads) t.equal(await download.outcome(), 'intact')
}

/** Every lane is logged when it is up; then both sides have to agree on how many there are. */
async function untilLanes(): Promise<void> {
  const up = new Set<unknown>()
  await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && up.add(lane).size === LANES)
  await client.waitForMetric('shoot_client_tunnel_lanes', LANES)
  await seed.waitForMetric('seed_server_tunnel_lanes', LANES)
}

async function count(daemon: Daemon, name: string): Promise<number> {
  return (await daemon.metrics()).get(name) ?? Number.NaN
}
