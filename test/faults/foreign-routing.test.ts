import { type Daemon, type Host, type LogRecord, NETWORKS, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'

/** A look is due after 10 s at the latest, and a busy machine takes its time for it. */
const TOLD = { deadlineMs: 60_000 }
const DIVERTED = 'routes of others keep packets from the tunnel'
/** Nobody will answer. */
const BRIEFLY = ['-m', '2']
const OVER = 'nothing keeps packets from the tunnel any more'

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { node, pod1, seed: seedHost } = lab.hosts
const [{ seed, client }] = await Promise.all([stage.startBoth(), startNginx(lab, pod1)])

t.test('a blackhole before our rule is named once, and so is its end', async (t) => {
  const { ipv4, ipv6 } = pod1.addresses
  await seedHost.ip([`route add blackhole ${NETWORKS.pod.ipv4} table 53`])
  const { diverted } = await told(seed, DIVERTED, () => seedHost.ip(['rule add pref 1 lookup 53']))
  const expected = [
    {
      network: NETWORKS.pod.ipv4,
      rule: 1,
      table: '53',
      route: `blackhole ${NETWORKS.pod.ipv4}`,
    },
  ]
  t.strictSame(diverted, expected)
  t.match(await seed.status(), { network: { missing: [], diverted: expected } })
  t.equal((await seed.metrics()).get('seed_server_network_diverted_networks'), 1)
  t.equal((await seed.admin('/readyz')).status, 200, 'the rest of the tunnel is in use')
  t.not((await curlRouted(ipv4, BRIEFLY)).code, 0, 'no packet gets there')
  t.match(await curlRouted(ipv6), { code: 0 })
  t.match(await curlEgress(ipv4), { code: 0 }, 'the egress proxy is bound to the TUN')
  await told(seed, OVER, () => seedHost.ip(['rule del pref 1']))
  await seedHost.ip(['route flush table 53'])
  t.match(await seed.status(), { network: { diverted: [] } })
  t.equal((await seed.metrics()).get('seed_server_network_diverted_networks'), 0)
  await expectTraffic(t)
  t.strictSame([count(seed, DIVERTED), count(seed, OVER)], [1, 1])
})

t.test(
  'rules as a mesh VPN makes them are named with their table and device, in both families',
  async (t) => {
    for (const [family, network, address] of [
      ['-4', NETWORKS.pod.ipv4, pod1.addresses.ipv4],
      ['-6', NETWORKS.pod.ipv6, pod1.addresses.ipv6],
    ] as const) {
      const mesh = (verb: 'add' | 'del') => [
        `rule ${verb} pref 5210 fwmark 0x80000/0xff0000 lookup main`,
        `rule ${verb} pref 5230 fwmark 0x80000/0xff0000 lookup default`,
        `rule ${verb} pref 5250 fwmark 0x80000/0xff0000 unreachable`,
        `rule ${verb} pref 5270 lookup 52`,
      ]
      await runIp(seedHost, family, [`route add ${network} dev control0 table 52`])
      const { diverted } = await told(seed, DIVERTED, () => runIp(seedHost, family, mesh('add')))
      const [by] = diverted as object[]
      t.strictSame(by, {
        network,
        rule: 5270,
        table: '52',
        route: `${network} dev control0`,
      })
      t.match(await curlEgress(address), { code: 0 }, 'the egress proxy is bound to the TUN')
      await told(seed, OVER, () => runIp(seedHost, family, [...mesh('del'), 'route flush table 52']))
    }
  },
)

t.test('so is a part of a network, while one of the main table may win', async (t) => {
  const part = `${pod1.addresses.ipv4}/32`
  await seedHost.ip([
    // It holds the first address of the network, which is what is asked for.
    'route add 100.96.0.0/24 dev control0',
    `route add ${part} dev control0 table 52`,
  ])
  const { diverted } = await told(seed, DIVERTED, () => seedHost.ip(['rule add pref 5270 lookup 52']))
  t.match(diverted, [{ network: part, rule: 5270, table: '52' }])
  t.equal((diverted as object[]).length, 1)
  await told(seed, OVER, () => seedHost.ip(['route flush table 52', 'rule del pref 5270']))
  await seedHost.ip(['route del 100.96.0.0/24 dev control0'])
})

t.test('a route of the main table that takes the place of ours is named', async (t) => {
  const { ipv4 } = NETWORKS.node
  const route = `${ipv4} dev control0`
  // Of a change of rules it hears at once, of routes of others it does not.
  const rule = 'pref 30000 from 203.0.113.1 lookup main'
  const { diverted } = await told(seed, DIVERTED, () =>
    seedHost.ip([`route add ${route}`, `rule add ${rule}`]),
  )
  t.strictSame(diverted, [{ network: ipv4, rule: 32_766, table: 'main', route }])
  await told(seed, OVER, () => seedHost.ip([`route del ${route}`, `rule del ${rule}`]))
})

t.test('the node tells when its answers to the seed go another way', async (t) => {
  const { ipv4: network } = NETWORKS.vpn
  const rule = `pref 1 to ${network} unreachable`
  const { diverted } = await told(client, DIVERTED, () => node.ip([`rule add ${rule}`]))
  t.strictSame(diverted, [{ network, rule: 1, table: null, route: 'unreachable' }])
  t.match(await curlEgress(pod1.addresses.ipv4, BRIEFLY), { code: 28 }, 'no answer comes back')
  await told(client, OVER, () => node.ip([`rule del ${rule}`]))
  await expectTraffic(t)
})

/** What a daemon says for the first time after that was done. */
async function told(daemon: Daemon, message: string, act: () => Promise<void>): Promise<LogRecord> {
  const fromLine = daemon.process.output.length
  await act()
  return daemon.waitForLog(({ msg }) => msg === message, { ...TOLD, fromLine })
}

function count(daemon: Daemon, message: string): number {
  return daemon.logs.filter(({ msg }) => msg === message).length
}

async function runIp(host: Host, family: '-4' | '-6', lines: readonly string[]): Promise<void> {
  await host.mustRun('ip', [family, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/** @param args of curl, which takes 15 s for it at most */
function curlRouted(address: string, args: readonly string[] = []) {
  return stage.curlRouted(`http://${inUrl(address)}/`, args)
}

function curlEgress(address: string, args: readonly string[] = []) {
  return stage.curlEgress(`http://${inUrl(address)}/`, args)
}

async function expectTraffic(t: Test): Promise<void> {
  for (const address of Object.values(pod1.addresses)) {
    t.match(await curlRouted(address), { code: 0 }, address)
    t.match(await curlEgress(address), { code: 0 }, address)
  }
}
