// A path that drops packets above its MTU and says nothing of it, as behind firewalls that block ICMP.
import { type LogRecord, startConnectGateway, startIperf3, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'

const PATH_MTU = 1400
const BULK_BYTES = 4 * 1024 * 1024
/** For bulk that arrives: it ends as soon as all is there. */
const ENOUGH_SECONDS = 60
const LIMITED = ['--max-segment', '1300']
/** Long enough for TCP to find the black hole by itself where it may. */
const PATIENT = ['--keepalive', '1s', '--dead-after', '15s']

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, internet, node, pod1, seed: seedHost } = lab.hosts
// What the router says of larger packets is lost.
await internet.nft(`
table inet silent {
  chain output {
    type filter hook output priority filter;
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
`)
await startNginx(lab, pod1)
await startIperf3(pod1)

/** Known to the router alone. At its links and not its routes, the veth would drop before TCP has sent anything. */
async function narrowPath(): Promise<void> {
  const networks = ['192.0.2.0/24 dev seed0', '203.0.113.0/24 dev node0', '198.51.100.0/24 dev gateway0']
  const networks6 = [1, 3, 2].map((index) => `2001:db8:${index}::/64 metric 256`)
  const devices = ['seed0', 'node0', 'gateway0']
  await internet.ip([
    ...networks.map((network) => `route replace ${network} mtu lock ${PATH_MTU}`),
    ...networks6.map(
      (network, index) => `route replace ${network} dev ${devices[index]} mtu lock ${PATH_MTU}`,
    ),
  ])
}

/** How much of a download has arrived after that time. */
async function arrived(seconds: number, family: 'ipv4' | 'ipv6' = 'ipv4'): Promise<number> {
  const url = `http://${inUrl(pod1.addresses[family])}/big`
  const args = [
    '-m',
    String(seconds),
    '-o',
    '/dev/null',
    '-w',
    '%{size_download}',
    '-r',
    `0-${BULK_BYTES - 1}`,
  ]
  const { stdout } = await stage.curlRouted(url, args)
  return Number(stdout)
}

async function expectBulkBothWays(t: Test): Promise<void> {
  // For a time and not for so many bytes: iperf3 leaves out what is on its way when the sender has ended.
  const load = ['-c', pod1.addresses.ipv4, '-t', '2', '-J']
  const { stdout } = await caller.run('iperf3', load, { deadlineMs: 60_000 })
  t.ok(JSON.parse(stdout).end.sum_received?.bytes > BULK_BYTES / 4, 'bulk to the shoot')
  t.equal(await arrived(ENOUGH_SECONDS), BULK_BYTES, 'bulk to the seed')
}

/** Both daemons, until the scope ends. */
async function startBoth(...args: Parameters<TunnelLab['startBoth']>) {
  const daemons = await stage.startBoth(...args)
  const stop = () => Promise.all([daemons.seed.stop(), daemons.client.stop()])
  return { ...daemons, [Symbol.asyncDispose]: async () => void (await stop()) }
}

t.test(
  'a tunnel that is up carries no bulk any more once the path takes less, and no new one comes up',
  async (t) => {
    await using daemons = await startBoth()
    await narrowPath()
    t.match(
      await stage.curlRouted(`http://${pod1.addresses.ipv4}/`),
      { stdout: 'pod1\n' },
      'little gets through',
    )
    t.equal(await arrived(4), 0)
    const isDead = ({ msg, err }: LogRecord) =>
      msg === 'lane lost' && (err as { code?: unknown }).code === 'ERR_PEER_DEAD'
    await daemons.seed.waitForLog(isDead)
    await daemons.seed.waitForLog(
      ({ msg, reason }) => msg === 'connection refused' && reason === 'tls-failed',
    )
  },
)

t.test('--max-segment of the seed-server, which listens, makes it whole in both directions', async (t) => {
  await using daemons = await startBoth(LIMITED)
  await expectBulkBothWays(t)
  t.equal(await arrived(ENOUGH_SECONDS, 'ipv6'), BULK_BYTES)
  for (const { logs } of [daemons.seed, daemons.client]) t.notOk(logs.some(({ msg }) => msg === 'lane lost'))
})

t.test('so does that of the shoot-client, which dials', async (t) => {
  await using _ = await startBoth([], { args: LIMITED })
  await expectBulkBothWays(t)
})

t.test('through a gateway that knows nothing of it, each side sees to its own connection', async (t) => {
  const gateway = await startConnectGateway(lab)
  await using _ = await startBoth(LIMITED, { gateway, args: LIMITED })
  await expectBulkBothWays(t)
})

t.test('with tcp_mtu_probing TCP finds out by itself, after a few seconds', async (t) => {
  for (const host of [seedHost, node]) await host.mustRun('sysctl', ['-qw', 'net.ipv4.tcp_mtu_probing=1'])
  await using _ = await startBoth(PATIENT, { args: PATIENT })
  t.equal(await arrived(ENOUGH_SECONDS), BULK_BYTES)
})
