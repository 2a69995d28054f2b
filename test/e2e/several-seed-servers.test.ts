import {
  type CertificateRequest,
  curlThroughEgress,
  type Daemon,
  type Host,
  NODE_PUBLIC,
  seedServerRequest,
  shootClientRequest,
  startNginx,
  startSeedServer,
  startShootClient,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { Flow, startFlowServer } from './support/flow.js'
import { QUICK_RECONNECT, QUICK_TIMES, TunnelLab } from './support/tunnel-lab.js'

const PORT = 4314
const RESTARTS = 6
const OTHER_TRANSFER = '10.7.0.0/30'

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { node, pod1, seed: hostA, gateway: hostB, internet: hostC } = lab.hosts
const forBoth = (request: CertificateRequest) => certificates.tunnelCa.issue({ ...request, usage: 'both' })
const [seedServer, shootClient] = await Promise.all([
  forBoth(seedServerRequest()),
  forBoth(shootClientRequest()),
])
await Promise.all([startNginx(lab, pod1), startFlowServer(pod1)])
await node.nft(`add rule inet lab direct tcp dport ${PORT} accept\n`)
for (const host of [hostA, hostB, hostC])
  await host.mustRun('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])

const client = await startShootClient(lab, {
  certificates,
  client: shootClient,
  args: [
    ...[...QUICK_TIMES, '--listen', `[::]:${PORT}`, '--lanes', '2'],
    ...[lab.networks.vpn.ipv4, lab.networks.vpn.ipv6, OTHER_TRANSFER].flatMap((network) => [
      '--vpn-network',
      network,
    ]),
  ],
})

/** All of them have one configuration, as the replicas of a kube-apiserver have. */
async function startSeed(host: Host, args: readonly string[] = []): Promise<Daemon> {
  const seed = await startSeedServer(lab, {
    host,
    certificates: { ...certificates, seedServer },
    args: [...QUICK_TIMES, ...QUICK_RECONNECT, '--dial', `${NODE_PUBLIC.ipv4}:${PORT}`, ...args],
  })
  return seed
}

async function startReady(host: Host): Promise<Daemon> {
  const seed = await startSeed(host)
  await seed.waitUntilReady()
  return seed
}

async function connectThrough(t: Test, host: Host): Promise<void> {
  const url = `http://${pod1.addresses.ipv4}/`
  const request = { from: host, proxyHost: 'localhost', certificates, args: ['-m', '20'] }
  t.match(await curlThroughEgress(lab, url, request), { code: 0, stdout: 'pod1\n' }, host.name)
}

/** Sends one every 50 ms. @returns what ping says of the loss */
async function ping(host: Host, count: number): Promise<string> {
  const { stdout } = await host.run('ping', [
    '-q',
    '-i',
    '0.05',
    '-W',
    '10',
    '-c',
    String(count),
    pod1.addresses.ipv4,
  ])
  return /\d+(\.\d+)?% packet loss/.exec(stdout)?.[0] ?? stdout
}

async function sessionIdOf(seed: Daemon): Promise<string> {
  return String((await seed.status()).activeSession)
}

async function openedSessions(seed: Daemon): Promise<number | undefined> {
  return (await seed.metrics()).get('seed_server_tunnel_sessions_opened_total')
}

async function sessionsOf(daemon: Daemon): Promise<{ id: string; peer: { diallerId: string } }[]> {
  return (await daemon.status()).sessions as { id: string; peer: { diallerId: string } }[]
}

let first: Daemon
let second: Daemon

t.test('two seed-servers dial one shoot-client, and each has a session that works', async (t) => {
  first = await startReady(hostA)
  second = await startReady(hostB)
  t.strictSame(await Promise.all([ping(hostA, 40), ping(hostB, 40)]), ['0% packet loss', '0% packet loss'])
  await Promise.all([connectThrough(t, hostA), connectThrough(t, hostB)])
  const ids = await Promise.all([first, second].map(sessionIdOf))
  const sessions = await sessionsOf(client)
  t.strictSame(sessions.map(({ id }) => id).sort(), ids.sort(), 'the status names both')
  t.equal(sessions[1]?.peer.diallerId, (await second.status()).diallerId, 'and says whose they are')
  const metrics = await client.metrics()
  for (const { id } of sessions) {
    const names = [...metrics.keys()].filter((name) => name.includes(`session="${id}"`))
    t.equal(names.length, 1, 'so do the metrics')
    const opened = client.logs.find(({ msg, sessionId }) => msg === 'session opened' && sessionId === id)
    t.ok(opened, 'and the log')
  }
})

t.test('restarts of one after the other cost no session but that of the restarted one', async (t) => {
  const hosts = [hostA, hostB] as const
  for (let restart = 0; restart < RESTARTS; restart++) {
    const isFirst = restart % 2 === 0
    const [host, other] = isFirst ? hosts : hosts.toReversed()
    const [leaving, staying] = isFirst ? [first, second] : [second, first]
    if (host === undefined || other === undefined) throw new Error('two hosts')
    const flow = await Flow.start({ from: other, address: pod1.addresses.ipv4, bytesPerSecond: 200_000 })
    const [before, opened] = [await sessionIdOf(staying), await openedSessions(staying)]
    const loss = ping(other, 20)
    await leaving.stop()
    const started = await startReady(host)
    if (isFirst) first = started
    else second = started
    t.equal(await loss, '0% packet loss', `restart ${restart} of ${host.name}`)
    t.equal(await sessionIdOf(staying), before)
    t.equal(await openedSessions(staying), opened)
    t.match(await flow.finish(), { isIntact: true })
    await Promise.all([connectThrough(t, host), connectThrough(t, other)])
  }
  const failures = [first, second].flatMap(({ logs }) =>
    logs.filter(({ msg }) => msg === 'dial failed' || msg === 'lane rejected'),
  )
  t.strictSame(failures, [])
})

t.test('a third comes and goes, and the two others do not notice', async (t) => {
  const loss = Promise.all([ping(hostA, 40), ping(hostB, 40)])
  const third = await startReady(hostC)
  t.equal(await ping(hostC, 10), '0% packet loss')
  await connectThrough(t, hostC)
  await third.stop()
  t.strictSame(await loss, ['0% packet loss', '0% packet loss'])
})

t.test('one that is cut off is given up by its dead-after, and does not hold up the other', async (t) => {
  const flow = await Flow.start({ from: hostB, address: pod1.addresses.ipv4, bytesPerSecond: 200_000 })
  const id = await sessionIdOf(first)
  const loss = ping(hostB, 60)
  first.process.kill('SIGSTOP')
  const closed = await client.waitForLog(({ msg, sessionId }) => msg === 'session closed' && sessionId === id)
  t.match(closed.reason, /limit 5000 ms/)
  t.equal(await loss, '0% packet loss')
  await first.stop('SIGKILL')
  t.match(await flow.finish(), { isIntact: true })
  await connectThrough(t, hostB)
  first = await startReady(hostA)
  await Promise.all([connectThrough(t, hostA), connectThrough(t, hostB)])
})

t.test('one that is killed takes its session along, and no other', async (t) => {
  const [id, other] = [await sessionIdOf(first), await sessionIdOf(second)]
  const loss = ping(hostB, 40)
  await first.stop('SIGKILL')
  await client.waitForLog(({ msg, sessionId }) => msg === 'session closed' && sessionId === id)
  t.equal(await loss, '0% packet loss')
  t.strictSame(
    (await sessionsOf(client)).map((session) => session.id),
    [other],
  )
})

t.test('one that announces another transfer network is refused in words', async (t) => {
  const transfer = ['--vpn-network', OTHER_TRANSFER, '--vpn-network', lab.networks.vpn.ipv6]
  const stranger = await startSeed(hostA, transfer)
  const told = await stranger.waitForLog(({ msg }) => msg === 'lane lost')
  t.match(JSON.stringify(told), /another seed-server that is served has announced 192\.168\.123\.1/)
  t.match(
    await client.waitForLog(({ msg, reason }) => msg === 'connection refused' && reason === 'internal'),
    {
      detail: /10\.7\.0\.1/,
    },
  )
  await stranger.stop()
  t.equal(await ping(hostB, 10), '0% packet loss')
})
