import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { destinationOf, type SniGateway, startNginx, startSniGateway } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Download, LASTING_BYTES } from './support/download.js'
import { publishNoise } from './support/files.js'
import { residentBytes } from './support/process-state.js'
import { TunnelLab } from './support/tunnel-lab.js'

const MIB = 1024 * 1024
const API = 'api.lab.example'
/** Exit code of curl. */
const COULD_NOT_CONNECT = 7
const OTHERS = 4
const BIG_BYTES = 256 * MIB
/** What one client that does not read may cost the gateway: its buffers and the garbage of a relay at full speed. */
const MAX_GROWTH_BYTES = 48 * MIB

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, pki } = stage
const { gateway: gatewayHost, node, pod1, seed: seedHost } = lab.hosts
const apiCa = await pki.authority('ca-api')
const tls = await apiCa.issue({ commonName: API, dnsNames: [API], usage: 'server' })
const seedAddress = seedHost.addresses.ipv4
await Promise.all([
  startNginx(lab, pod1),
  startNginx(lab, seedHost, { port: 6443, tls, bigFileBytes: BIG_BYTES }),
])

function startGateway(args: readonly string[] = []): Promise<SniGateway> {
  return startSniGateway(lab, {
    routes: [
      { name: 'api', serverNames: [API], backend: `${seedAddress}:6443` },
      { name: 'tunnel', destinations: [destinationOf('shoot--lab')], backend: `${seedAddress}:1194` },
    ],
    args,
  })
}

function fetchBig(file = '/dev/null'): string[] {
  const resolve = ['--resolve', `${API}:443:${gatewayHost.addresses.ipv4}`]
  const trusted = ['--cacert', apiCa.certFile]
  return [
    '-sS',
    '-m',
    '60',
    ...trusted,
    ...resolve,
    '-o',
    file,
    '-w',
    '%{size_download}\n',
    `https://${API}/big`,
  ]
}

function fetchAtOnce() {
  return Promise.all(Array.from({ length: OTHERS }, () => node.mustRun('curl', fetchBig())))
}

t.test('a client that stops reading holds up nobody else, costs little, and loses nothing', async (t) => {
  await using gateway = (await startGateway()).daemon
  const relayed = async () =>
    (await gateway.metrics()).get('sni_gateway_relayed_bytes_total{direction="toClient"}') ?? Number.NaN
  // Once before, so that what grows afterwards is not what any work makes grow.
  await fetchAtOnce()
  const before = residentBytes(gateway)

  const from = await relayed()
  const copy = join(lab.dir, 'copy')
  const written = () => statSync(copy, { throwIfNoEntry: false })?.size ?? 0
  const stopped = await node.spawn('curl', fetchBig(copy))
  await stopped.waitFor('the first bytes', () => (written() > MIB ? true : undefined), {
    everyMs: 1,
  })
  stopped.kill('SIGSTOP')
  await stopped.waitFor('its stop', () => (isStopped(stopped.pid) ? true : undefined), { everyMs: 1 })
  const writtenUntilStop = written()
  const others = await fetchAtOnce()
  for (const { stdout } of others) t.match(stdout, String(BIG_BYTES), 'others get all, meanwhile')
  t.equal(written(), writtenUntilStop, 'and it did not read')
  const ofStopped = (await relayed()) - from - others.length * BIG_BYTES
  t.ok(ofStopped < BIG_BYTES / 2, `${ofStopped} B were taken for it, and no more`)
  const growth = residentBytes(gateway) - before
  t.ok(growth < MAX_GROWTH_BYTES, `${growth} B more than before`)

  stopped.kill('SIGCONT')
  t.match(await stopped.exited, { code: 0 })
  t.equal(written(), BIG_BYTES, 'it gets all as soon as it reads again')
})

t.test(
  'on SIGTERM an open tunnel goes on, nobody new is taken, and the rest is cut in the end',
  async (t) => {
    let gateway = await startGateway(['--drain-timeout', '5s'])
    const header = `Reversed-VPN: ${destinationOf('shoot--lab')}`
    const args = ['--gateway', gateway.url, '--header', header, '--lanes', '1']
    const { client } = await stage.startBoth([], { args })
    const original = await publishNoise(lab, pod1, 'noise', LASTING_BYTES)
    const url = `http://${pod1.addresses.ipv4}/noise`
    const downloads = await Promise.all(
      (['routed', 'proxied'] as const).map((way) => Download.start(stage, { way, url, original })),
    )
    const arrived = () => downloads.map(({ bytes }) => bytes)

    const { daemon } = gateway
    daemon.process.kill('SIGTERM')
    await daemon.waitForLog(({ msg }) => msg === 'stopping')
    const atStop = arrived()
    for (const port of [443, 8132]) await untilRefused(port)
    t.ok(daemon.process.isRunning, 'both ports take nobody any more, while it drains')
    await daemon.process.waitFor(
      'bytes while it drains',
      () => (arrived().every((bytes, index) => bytes > (atStop[index] ?? 0) + MIB) ? true : undefined),
      { everyMs: 10 },
    )
    t.equal((await client.admin('/readyz')).status, 200, 'the tunnel is up')
    t.match(await daemon.process.exited, { code: 0 })
    const drained = daemon.logs.filter(({ reason }) => reason === 'drained')
    t.equal(drained.length, 1)
    t.match(drained, [{ msg: 'connection', route: 'tunnel' }])

    t.ok(
      downloads.every(({ isUnderWay }) => isUnderWay),
      'cut in the middle',
    )
    gateway = await startGateway()
    await client.waitUntilReady()
    for (const download of downloads) t.equal(await download.outcome(), 'intact')
    const end = gateway.daemon.waitForLog(({ msg, reason }) => msg === 'connection' && reason === 'ended')
    await client.stop()
    t.match(await end, { route: 'tunnel' })
  },
)

/** The gateway says that it stops before its ports are closed. */
async function untilRefused(port: number): Promise<void> {
  const url = `http://${gatewayHost.addresses.ipv4}:${port}/`
  while ((await node.run('curl', ['-sS', '-m', '5', url])).code !== COULD_NOT_CONNECT);
}

/** Field 3 of proc_pid_stat(5); `curl` is all that its name before holds. */
function isStopped(pid: number): boolean {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] === 'T'
}
