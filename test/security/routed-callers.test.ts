// Whoever routes packets to the machine of the seed-server gets nothing, unless it is named.
import {
  type CertificateRequest,
  type Daemon,
  type Host,
  type LogRecord,
  NETWORKS,
  NODE_PUBLIC,
  seedServerRequest,
  shootClientRequest,
  startNginx,
  startSeedServer,
  startShootClient,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { MountedVolume } from '../e2e/support/mounted-volume.js'
import { countPackets } from '../e2e/support/packet-count.js'
import { inUrl, QUICK_RECONNECT, TunnelLab } from '../e2e/support/tunnel-lab.js'

const KUBELET_PORT = 10250
const DIALLED_PORT = 4314
/** Long enough that a busy machine does not look like a dead peer. */
const PATIENT = ['--keepalive', '2s', '--dead-after', '15s']
const DROPPED = 'seed_server_tunnel_firewall_dropped_packets_total{rule="to_shoot_source_not_allowed"}'

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
// caller ── seed ── router ── beyond
const { caller, gateway: beyond, internet: router, node, pod1, pod2, seed: seedHost } = lab.hosts
const strangers = { caller, router, beyond }
const forBoth = (request: CertificateRequest) => certificates.tunnelCa.issue({ ...request, usage: 'both' })
const [seedServer, shootClient] = await Promise.all([
  forBoth(seedServerRequest()),
  forBoth(shootClientRequest()),
  startNginx(lab, node, { port: KUBELET_PORT }),
  startNginx(lab, pod1),
  startNginx(lab, pod2),
])
const hops = (['ipv4', 'ipv6'] as const).flatMap((family) =>
  [NETWORKS.pod, NETWORKS.service, NETWORKS.node].map(
    (network) => `route add ${network[family]} via ${seedHost.addresses[family]}`,
  ),
)
await router.ip(hops)
// What the load balancer of the shoot does where the seed dials.
await node.nft(`add rule inet lab direct tcp dport ${DIALLED_PORT} accept\n`)

/** A pod, a service and a kubelet, of both families. */
const pages = [
  ...[...Object.values(pod1.addresses), lab.service.ipv4, lab.service.ipv6].map(
    (at) => `http://${inUrl(at)}/`,
  ),
  ...Object.values(node.addresses).map((address) => `http://${inUrl(address)}:${KUBELET_PORT}/`),
]
const settings = await MountedVolume.create(lab.dir, 'settings', configOf([]))
const config = settings.path('config.yaml')
const byAddress = Object.values(beyond.addresses).map(
  (address) => `${address}/${address.includes(':') ? 128 : 32}`,
)

for (const dials of ['shoot', 'seed'] as const) {
  t.test(`where the ${dials} side dials`, async (t) => {
    const isSeed = dials === 'seed'
    await settings.swap(configOf([]))
    const args = [...PATIENT, '--config', config]
    await using seed = await startSeedServer(lab, {
      certificates: { ...certificates, seedServer },
      args: isSeed ? [...args, ...QUICK_RECONNECT, '--dial', `${NODE_PUBLIC.ipv4}:${DIALLED_PORT}`] : args,
    })
    await using client = await startShootClient(lab, {
      certificates,
      client: shootClient,
      args: [
        ...[...PATIENT, '--lanes', '1'],
        ...(isSeed ? ['--listen', `[::]:${DIALLED_PORT}`] : QUICK_RECONNECT),
      ],
    })
    await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
    const lanes = await openedLanes(seed)

    await t.test('nobody gets an answer, and nothing comes to the shoot', async (t) => {
      await using arrived = await countPackets(node, [
        'iifname "vpn0" ip version 4',
        'iifname "vpn0" ip6 version 6',
      ])
      const before = await droppedAbove(seed, -1)
      await expectAnswered(t, [])
      for (const host of Object.values(strangers)) {
        const { stdout } = await host.run('ping', ['-c', '2', '-i', '0.05', '-W', '1', pod1.addresses.ipv4])
        t.match(stdout, ' 0 received', `a ping of ${host.name}`)
      }
      t.strictSame([...(await arrived.readAll()).values()], [0, 0])
      t.ok((await droppedAbove(seed, before)) > before, 'all of it is counted')
    })

    await t.test('what the machine itself sends gets through, and what the egress proxy does', async (t) => {
      t.equal(await answersTo(seedHost, true), pages.length)
      t.match(await stage.curlEgress(pages[0] ?? ''), { code: 0, stdout: 'pod1\n' })
    })

    await t.test('a source that a reload names gets through, and no other', async (t) => {
      await take(seed, byAddress)
      await expectAnswered(t, ['beyond'])
    })

    await t.test('a router on the way to it may report on answers', async (t) => {
      await router.ip([`route add ${beyond.addresses.ipv4}/32 dev gateway0 mtu lock 1300`])
      const range = ['-sS', '-m', '30', '-r', '0-999999', '-o', '/dev/null']
      t.match(await beyond.run('curl', [...range, `http://${pod1.addresses.ipv4}/big`]), {
        code: 0,
        stderr: '',
      })
      await router.ip([`route del ${beyond.addresses.ipv4}/32 dev gateway0`])
    })

    await t.test(
      'an interface that a reload names instead does, and what is under way elsewhere ends',
      async (t) => {
        const slow = [
          '-sS',
          '--limit-rate',
          '2M',
          '--speed-limit',
          '1000',
          '--speed-time',
          '2',
          '-o',
          '/dev/null',
        ]
        const download = await beyond.spawn('curl', [...slow, `http://${pod1.addresses.ipv4}/big`])
        await untilUnderWay()
        await take(seed, ['control0'])
        await expectAnswered(t, ['caller'])
        t.equal((await download.exited).code, 28, 'a download of the source of before stands still')
      },
    )

    await t.test('a name that is none is refused, and what was named before stays', async (t) => {
      t.match(await reload(seed, ['control*'], ({ msg }) => msg !== 'networks taken'), {
        msg: 'reload failed, going on as before',
        reason: `--routed-from "control*" (${config}:1): expected ADDRESS/LENGTH without host bits, or an interface name of at most 15 characters`,
      })
      await expectAnswered(t, ['caller'])
    })

    await t.test('where all that is taken back, nobody gets an answer again', async (t) => {
      await take(seed, [])
      await expectAnswered(t, [])
      t.strictSame(await openedLanes(seed), lanes, 'no lane was replaced for any of it')
    })
  })
}

async function expectAnswered(t: Test, names: readonly (keyof typeof strangers)[]): Promise<void> {
  const isNamed = (name: string) => names.some((one) => one === name)
  const answers = await Promise.all(
    Object.entries(strangers).map(async ([name, host]) => [name, await answersTo(host, isNamed(name))]),
  )
  const wanted = Object.keys(strangers).map((name) => [name, isNamed(name) ? pages.length : 0])
  t.strictSame(answers, wanted)
}

/** How many of the pages somebody gets. Whoever should get none is not waited for. */
async function answersTo(host: Host, isNamed: boolean): Promise<number> {
  const parallel = ['--parallel', '--parallel-immediate', '--no-progress-meter']
  const { stdout } = await host.run('curl', ['-sS', '-g', '-m', isNamed ? '20' : '1', ...parallel, ...pages])
  return [...stdout.matchAll(/^(pod1|pod2|node)$/gm)].length
}

function configOf(sources: readonly string[]) {
  return { 'config.yaml': `routed-from: ${JSON.stringify(sources)}\n` }
}

/** Resolves when these are in force. */
async function take(seed: Daemon, sources: readonly string[]): Promise<void> {
  const isIt = ({ msg, routedFrom }: LogRecord) =>
    msg === 'networks taken' && JSON.stringify(routedFrom) === JSON.stringify(sources)
  await reload(seed, sources, isIt)
}

/** The record of the log that says what came of it. A daemon that sees its file change by itself tells twice what it refuses. */
async function reload(seed: Daemon, sources: readonly string[], isIt: (record: LogRecord) => boolean) {
  const fromLine = seed.process.output.length
  await settings.swap(configOf(sources))
  seed.process.kill('SIGHUP')
  const isOfNetworks = (record: LogRecord) => record.part === 'networks' && record.level !== 'debug'
  return seed.waitForLog((record) => isOfNetworks(record) && isIt(record), { fromLine })
}

/** The metric, once it is above that. */
async function droppedAbove(seed: Daemon, floor: number): Promise<number> {
  const signal = AbortSignal.timeout(30_000)
  for (;;) {
    const dropped = (await seed.metrics()).get(DROPPED) ?? 0
    if (dropped > floor) return dropped
    signal.throwIfAborted()
  }
}

/** Until a pod is sending to somebody. */
async function untilUnderWay(): Promise<void> {
  const signal = AbortSignal.timeout(30_000)
  while ((await pod1.mustRun('ss', ['-Htn', 'state', 'established', 'sport = 80'])).stdout === '')
    signal.throwIfAborted()
}

async function openedLanes(seed: Daemon): Promise<unknown> {
  const { sessions } = (await seed.status()) as { sessions: { lanes: { openedAt: string }[] }[] }
  return sessions.map(({ lanes }) => lanes.map(({ openedAt }) => openedAt))
}
