import {
  binOf,
  Daemon,
  type KeyPair,
  type LogRecord,
  type OpensslAuthority,
  seedServerRequest,
  shootClientRequest,
  startNginx,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { Download, LASTING_BYTES } from './support/download.js'
import { publishNoise } from './support/files.js'
import { MountedVolume, textOf, type VolumeFiles } from './support/mounted-volume.js'
import { QUICK_RECONNECT, TunnelLab } from './support/tunnel-lab.js'

const MIB = 1024 * 1024
/** Longer than a busy machine holds a process up. */
const DEAD_AFTER_MS = 4000
/** What a busy machine takes for that itself. */
const LATE_MS = 15_000
const TIMES = ['--keepalive', '300ms', '--dead-after', `${DEAD_AFTER_MS}ms`]
const POD1_NETWORK = '100.96.1.0/24'
const POD2_NETWORK = '100.96.2.0/24'
const ADMIN_PORTS = { seed: 15000, client: 15001 } as const

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, pki, certificates } = stage
const { node, pod1, pod2, seed: seedHost } = lab.hosts
const oldCa = certificates.tunnelCa
const newCa = await pki.authority('ca-vpn-new')
await Promise.all([startNginx(lab, pod1), startNginx(lab, pod2)])
const [noise1, noise2] = await Promise.all([
  publishNoise(lab, pod1, 'noise', LASTING_BYTES),
  publishNoise(lab, pod2, 'noise', LASTING_BYTES),
])

/** What lies in a daemon's Secret for the tunnel. */
async function tunnelFiles(pair: KeyPair, trusted: readonly OpensslAuthority[]): Promise<VolumeFiles> {
  const lists = await Promise.all(trusted.map((authority) => authority.writeCrl()))
  return {
    'tls.crt': await textOf(pair.certFile),
    'tls.key': await textOf(pair.keyFile),
    'ca.crt': await Promise.all(trusted.map(({ certFile }) => textOf(certFile))),
    'ca.crl': await Promise.all(lists.map(textOf)),
  }
}

async function egressFiles(pair: KeyPair, authority: OpensslAuthority): Promise<VolumeFiles> {
  return {
    'tls.crt': await textOf(pair.certFile),
    'tls.key': await textOf(pair.keyFile),
    'ca.crt': await textOf(authority.certFile),
  }
}

const volume = (name: string, files: VolumeFiles) => MountedVolume.create(lab.dir, name, files)
const seedFiles = await tunnelFiles(certificates.seedServer, [oldCa])
const seedTls = await volume('seed-tls', seedFiles)
const clientTls = await volume('client-tls', await tunnelFiles(certificates.shootClient, [oldCa]))
const egressTls = await volume(
  'egress-tls',
  await egressFiles(certificates.egressServer, certificates.egressCa),
)

const tunnelLines = ({ dir }: MountedVolume) => [
  `tls-cert: ${dir}/tls.crt`,
  `tls-key: ${dir}/tls.key`,
  `tls-ca: ${dir}/ca.crt`,
  `tls-crl: ${dir}/ca.crl`,
]
const seedConfig = (podNetworks: readonly string[], others: readonly string[] = []): VolumeFiles => ({
  'config.yaml': [
    ...tunnelLines(seedTls),
    `egress-tls-cert: ${egressTls.dir}/tls.crt`,
    `egress-tls-key: ${egressTls.dir}/tls.key`,
    `egress-tls-ca: ${egressTls.dir}/ca.crt`,
    `pod-network: [${podNetworks.join(', ')}]`,
    'egress-hold: 1s',
    'routed-from: control0',
    ...others,
  ],
})
const clientConfig = (podNetworks: readonly string[]): VolumeFiles => ({
  'config.yaml': [
    ...tunnelLines(clientTls),
    `server: ${seedHost.addresses.ipv4}:1194`,
    ...(podNetworks.length === 0 ? [] : [`pod-network: [${podNetworks.join(', ')}]`]),
  ],
})
const seedSettings = await volume('seed-config', seedConfig([POD1_NETWORK]))
const clientSettings = await volume('client-config', clientConfig([]))

const [seed, client] = await Promise.all([
  Daemon.start(
    seedHost,
    [binOf('seed-server'), '--config', seedSettings.path('config.yaml'), ...TIMES],
    ADMIN_PORTS.seed,
  ),
  Daemon.start(
    node,
    [
      binOf('shoot-client'),
      ...['--config', clientSettings.path('config.yaml'), ...TIMES, ...QUICK_RECONNECT],
    ],
    ADMIN_PORTS.client,
  ),
])
await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])

/** A metric of either daemon, its name without the prefix. */
async function count(daemon: Daemon, name: string): Promise<number | undefined> {
  const prefix = daemon === seed ? 'seed_server_' : 'shoot_client_'
  return (await daemon.metrics()).get(prefix + name)
}

const reloads = (daemon: Daemon, part: string, outcome: string) =>
  count(daemon, `reloads_total{part="${part}",outcome="${outcome}"}`)

/** Does it, and waits for that record of the log. */
async function andSee(
  daemon: Daemon,
  act: () => Promise<void> | void,
  wanted: Readonly<Record<string, unknown>>,
): Promise<LogRecord> {
  const fromLine = daemon.process.output.length
  await act()
  return daemon.waitForLog(
    (record) =>
      Object.entries(wanted).every(([key, value]) =>
        value instanceof RegExp ? value.test(String(record[key])) : record[key] === value,
      ),
    { fromLine },
  )
}

/** Swaps a volume, and waits until the daemon has taken it: by SIGHUP, or by itself. */
function swapped(
  daemon: Daemon,
  swap: () => Promise<void>,
  part: string,
  by: 'SIGHUP' | 'itself',
): Promise<LogRecord> {
  const act = async () => {
    await swap()
    if (by === 'SIGHUP') daemon.process.kill('SIGHUP')
  }
  return andSee(daemon, act, { msg: `${part} taken` })
}

/** Waits until the lane has given way to one that was dialled after that line of the client's log. */
async function renewed(fromLine: number): Promise<void> {
  await client.waitForLog(({ msg }) => msg === 'lane opened', { fromLine })
}

/** What the certificate in use is called by a metric. */
async function serialsOf(daemon: Daemon, role: 'own' | 'ca', use = 'tunnel'): Promise<string[]> {
  const names = [...(await daemon.metrics()).keys()]
  return names.flatMap((name) => {
    if (!name.includes('tls_certificate_not_after_seconds')) return []
    if (!name.includes(`use="${use}"`) || !name.includes(`role="${role}"`)) return []
    return /serial="([0-9A-F]+)"/.exec(name)?.[1] ?? []
  })
}

async function serialOf(file: string): Promise<string> {
  const { stdout } = await node.mustRun('openssl', ['x509', '-noout', '-serial', '-in', file])
  return stdout.trim().replace('serial=', '')
}

function startDownload(
  way: 'routed' | 'proxied',
  from: 'pod1' | 'pod2',
  mibPerSecond = 4,
): Promise<Download> {
  const [host, original] = from === 'pod1' ? [pod1, noise1] : [pod2, noise2]
  const url = `http://${host.addresses.ipv4}/noise`
  return Download.start(stage, { way, url, original, bytesPerSecond: mibPerSecond * MIB })
}

async function expectSameSession(t: Test): Promise<void> {
  t.equal(await count(client, 'tunnel_sessions_opened_total'), 1, 'the same session')
  const lost = [...seed.logs, ...client.logs].filter(({ msg }) => msg === 'lane lost')
  t.same(lost, [], 'no lane was lost')
}

t.test('SIGHUP with nothing new changes nothing, and says so', async (t) => {
  await andSee(seed, () => seed.process.kill('SIGHUP'), { msg: 'reloaded' })
  for (const part of ['tunnel-tls', 'egress-tls', 'networks'])
    t.equal(await reloads(seed, part, 'unchanged'), 1, part)
  t.equal(await reloads(seed, 'tunnel-tls', 'taken'), 0)
  await expectSameSession(t)
})

t.test('what cannot be used is refused in one line that names the file, and the tunnel stays', async (t) => {
  const good = seedFiles
  const foreign = await oldCa.issue(seedServerRequest())
  const before = await serialsOf(seed, 'own')
  const fromLine = seed.process.output.length
  const garbled = await andSee(seed, () => seedTls.swap({ ...good, 'tls.crt': 'garbage' }), {
    part: 'tunnel-tls',
    level: 'error',
  })
  t.match(garbled, { msg: 'reload failed, going on as before', reason: /seed-tls\/tls\.crt holds no PEM/ })
  for (const [what, files, reason] of [
    [
      'another key',
      { ...good, 'tls.key': await textOf(foreign.keyFile) },
      /seed-tls\/tls\.key does not belong/,
    ],
    ['an empty bundle', { ...good, 'ca.crt': '' }, /seed-tls\/ca\.crt is empty/],
    ['no revocation list', { ...good, 'ca.crl': 'none' }, /seed-tls\/ca\.crl holds no PEM/],
    ['half a bundle', { ...good, 'ca.crt': String(good['ca.crt']).slice(0, 400) }, /ca\.crt is cut off/],
    [
      'a file that is gone',
      { 'tls.crt': good['tls.crt'] ?? '' },
      /cannot read private key .*tls\.key: ENOENT/,
    ],
  ] as const) {
    const refuse = async () => {
      await seedTls.swap(files as VolumeFiles)
      seed.process.kill('SIGHUP')
    }
    // What was refused before may be told a second time: by SIGHUP, and once the daemon has seen the change itself.
    const refused = await andSee(seed, refuse, { part: 'tunnel-tls', level: 'error', reason })
    t.ok(refused, what)
  }
  const failures = seed.logs.slice(fromLine).filter(({ level }) => level === 'error')
  t.ok(failures.every(({ reason }) => !String(reason).includes('\n')))
  await seedSettings.swap(seedConfig(['300.0.0.0/8']))
  const badConfig = await andSee(seed, () => seed.process.kill('SIGHUP'), {
    part: 'networks',
    level: 'error',
  })
  t.match(badConfig, { reason: /^--pod-network "300\.0\.0\.0\/8" \(.*config\.yaml:\d+\): / })
  await seedSettings.swap(seedConfig([POD1_NETWORK]))
  await seedTls.swap(good)
  await andSee(seed, () => seed.process.kill('SIGHUP'), { msg: 'reloaded' })
  t.ok(((await reloads(seed, 'tunnel-tls', 'refused')) ?? 0) >= 6)
  t.ok(((await reloads(seed, 'networks', 'refused')) ?? 0) >= 1)
  t.equal(await reloads(seed, 'tunnel-tls', 'taken'), 0)
  t.same(await serialsOf(seed, 'own'), before)
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
  await expectSameSession(t)
})

t.test('the authority is replaced while downloads run, step by step, and nothing is cut', async (t) => {
  const downloads = await Promise.all([
    startDownload('routed', 'pod1', 2),
    startDownload('proxied', 'pod1', 2),
  ])
  const both = [oldCa, newCa]
  const newClient = await newCa.issue(shootClientRequest())
  const newSeed = await newCa.issue(seedServerRequest())
  const steps: readonly (readonly [Daemon, MountedVolume, VolumeFiles, 'SIGHUP' | 'itself'])[] = [
    [seed, seedTls, await tunnelFiles(certificates.seedServer, both), 'SIGHUP'],
    [client, clientTls, await tunnelFiles(certificates.shootClient, both), 'SIGHUP'],
    [client, clientTls, await tunnelFiles(newClient, both), 'itself'],
    [seed, seedTls, await tunnelFiles(newSeed, both), 'SIGHUP'],
    [client, clientTls, await tunnelFiles(newClient, [newCa]), 'SIGHUP'],
    [seed, seedTls, await tunnelFiles(newSeed, [newCa]), 'SIGHUP'],
  ]
  for (const [daemon, where, files, by] of steps) {
    const fromLine = client.process.output.length
    await swapped(daemon, () => where.swap(files), 'tunnel-tls', by)
    await renewed(fromLine)
  }
  t.ok(
    downloads.every(({ isUnderWay }) => isUnderWay),
    'all of it in the middle',
  )
  t.same(await Promise.all(downloads.map((download) => download.outcome())), ['intact', 'intact'])
  t.same(await serialsOf(seed, 'own'), [await serialOf(newSeed.certFile)])
  t.same(await serialsOf(client, 'own'), [await serialOf(newClient.certFile)])
  t.same(await serialsOf(seed, 'ca'), [await serialOf(newCa.certFile)])
  await expectSameSession(t)
})

t.test('the egress port shows another certificate and asks for another authority', async (t) => {
  const otherCa = await pki.authority('ca-egress-new')
  const shown = await otherCa.issue({ commonName: 'seed', dnsNames: ['seed'], usage: 'server' })
  const allowed = await otherCa.issue({ commonName: 'kube-apiserver-http-proxy-client', usage: 'client' })
  await swapped(seed, async () => egressTls.swap(await egressFiles(shown, otherCa)), 'egress-tls', 'SIGHUP')
  const url = `http://${pod1.addresses.ipv4}/`
  const proxy = ['-sS', '-m', '20', '--proxytunnel', '--proxy', 'https://seed:9443']
  const { caller } = lab.hosts
  const answer = await caller.run('curl', [
    ...proxy,
    ...['--proxy-cacert', otherCa.certFile, '--proxy-cert', allowed.certFile, '--proxy-key', allowed.keyFile],
    url,
  ])
  t.match(answer, { code: 0, stdout: 'pod1\n' })
  t.not((await stage.curlEgress(url)).code, 0, 'the old ones do not fit any more')
  await swapped(
    seed,
    async () => egressTls.swap(await egressFiles(certificates.egressServer, certificates.egressCa)),
    'egress-tls',
    'SIGHUP',
  )
  t.match(await stage.curlEgress(url), { code: 0 })
  await expectSameSession(t)
})

t.test('a pod network that is added is reached, by the session that stands', async (t) => {
  const url = `http://${pod2.addresses.ipv4}/`
  t.match(await stage.curlEgress(url), { stderr: /403/ })
  t.not((await stage.curlRouted(url, ['-m', '1'])).code, 0)
  const download = await startDownload('routed', 'pod1')
  const fromLine = client.process.output.length
  const taken = await swapped(
    seed,
    () => seedSettings.swap(seedConfig([POD1_NETWORK, POD2_NETWORK])),
    'networks',
    'SIGHUP',
  )
  t.match(taken, { networks: { pod: [POD1_NETWORK, POD2_NETWORK] } })
  await renewed(fromLine)
  t.match(await stage.curlEgress(url), { code: 0, stdout: 'pod2\n' })
  t.match(await stage.curlRouted(url), { code: 0, stdout: 'pod2\n' })
  t.match(await seed.status(), { networks: { pod: [POD1_NETWORK, POD2_NETWORK] } })
  t.equal(await download.outcome(), 'intact')
  await expectSameSession(t)
})

t.test('a network that this machine needs is refused, and those before stay', async (t) => {
  await seedSettings.swap(seedConfig([POD1_NETWORK, POD2_NETWORK, '192.0.2.0/24']))
  const refused = await andSee(seed, () => seed.process.kill('SIGHUP'), {
    part: 'networks',
    code: 'ERR_NETWORK_CONFLICT',
  })
  t.match(refused, { level: 'error', reason: /192\.0\.2\.0\/24/ })
  t.match(refused.files, [seedSettings.path('config.yaml')])
  t.match(await stage.curlEgress(`http://${pod2.addresses.ipv4}/`), { code: 0 })
})

t.test('more networks than can be announced are refused, and the session stands', async (t) => {
  const apart = Array.from({ length: 257 }, (_, index) => `10.${index >> 7}.${(index & 127) * 2}.0/24`)
  await seedSettings.swap(seedConfig(apart))
  const refused = await andSee(seed, () => seed.process.kill('SIGHUP'), {
    part: 'networks',
    code: 'ERR_USAGE',
    reason: /257/,
  })
  t.match(refused, { level: 'error', reason: /257 networks exceed the 256 that can be announced/ })
  t.match(await stage.curlEgress(`http://${pod2.addresses.ipv4}/`), { code: 0 })
  await expectSameSession(t)
})

t.test('the shoot side closes and opens a network of its own accord', async (t) => {
  const url = `http://${pod2.addresses.ipv4}/`
  const alone = () => clientSettings.swap(clientConfig([POD1_NETWORK]))
  t.match(await swapped(client, alone, 'networks', 'SIGHUP'), { networks: { pod: [POD1_NETWORK] } })
  t.not((await stage.curlRouted(url, ['-m', '1'])).code, 0)
  t.match(await stage.curlRouted(`http://${pod1.addresses.ipv4}/`), { code: 0 })
  await swapped(client, () => clientSettings.swap(clientConfig([])), 'networks', 'SIGHUP')
  t.match(await stage.curlRouted(url), { code: 0, stdout: 'pod2\n' })
  await expectSameSession(t)
})

t.test('a pod network that is removed is refused, and what runs there is broken', async (t) => {
  const [cut, kept] = await Promise.all([startDownload('proxied', 'pod2'), startDownload('proxied', 'pod1')])
  const fromLine = client.process.output.length
  const warned = seed.waitForLog(({ msg }) => msg === 'restart needed for these changed options', {
    fromLine: seed.process.output.length,
  })
  await swapped(
    seed,
    () => seedSettings.swap(seedConfig([POD1_NETWORK], ['mtu: 1400'])),
    'networks',
    'SIGHUP',
  )
  t.match(await warned, { options: ['mtu'] })
  t.match(await cut.outcome(), /curl ended with/)
  await renewed(fromLine)
  const url = `http://${pod2.addresses.ipv4}/`
  t.match(await stage.curlEgress(url), { stderr: /403/ })
  t.not((await stage.curlRouted(url, ['-m', '1'])).code, 0)
  for (const host of [seedHost, node]) {
    const { stdout } = await host.mustRun('nft', ['list', 'ruleset'])
    t.notMatch(stdout, '100.96.2.0', host.name)
  }
  t.notMatch((await seedHost.mustRun('ip', ['route', 'show', 'table', 'all'])).stdout, '100.96.2.0')
  t.equal(await kept.outcome(), 'intact')
  await expectSameSession(t)
})

t.test('a shoot-client whose certificate is revoked is put out soon, and told why', async (t) => {
  const shown = { certFile: clientTls.path('tls.crt'), keyFile: clientTls.path('tls.key') }
  const seedPair = { certFile: seedTls.path('tls.crt'), keyFile: seedTls.path('tls.key') }
  await newCa.revoke(shown)
  const files = await tunnelFiles(seedPair, [newCa])
  const fromLine = seed.process.output.length
  const beganMs = performance.now()
  await swapped(seed, () => seedTls.swap(files), 'tunnel-tls', 'SIGHUP')
  t.match(await client.waitForLog(({ msg, reason }) => msg === 'dial failed' && reason === 'rejected'), {
    detail: /revoked/,
  })
  await seed.waitForLog(({ msg }) => msg === 'session closed', { fromLine })
  const tookMs = performance.now() - beganMs
  t.ok(tookMs < 2 * DEAD_AFTER_MS + LATE_MS, `after ${Math.round(tookMs)} ms`)
  t.ok(await count(seed, 'tunnel_refusals_total{reason="revoked"}'))
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { stderr: /503/ })

  const fresh = await newCa.issue(shootClientRequest())
  await swapped(client, async () => clientTls.swap(await tunnelFiles(fresh, [newCa])), 'tunnel-tls', 'SIGHUP')
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0, stdout: 'pod1\n' })
})
