import { setTimeout as pause } from 'node:timers/promises'
import { type Daemon, type Host, NETWORKS, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { countPackets } from '../e2e/support/packet-count.js'
import { removeFirewall } from '../e2e/support/remove-firewall.js'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'

/** From the command that takes something away to the counter of what was put back: within 1 s on a machine that is not busy. */
const REPAIRED_WITHIN_MS = 20_000
const FIREWALL = ['inet', 'reversed_vpn_vpn0']

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, internet, node, pod1, seed: seedHost } = lab.hosts
const [{ seed, client }] = await Promise.all([stage.startBoth(), startNginx(lab, pod1)])

// What would leave in clear: packets for the shoot at the seed's uplink, for the seed's transfer address at the shoot's.
const strays = await countPackets(internet, [
  `iifname "seed0" ip daddr ${NETWORKS.pod.ipv4}`,
  `iifname "seed0" ip6 daddr ${NETWORKS.pod.ipv6}`,
  `iifname "node0" ip daddr ${NETWORKS.vpn.ipv4}`,
  `iifname "node0" ip6 daddr ${NETWORKS.vpn.ipv6}`,
])
// Callers that never rest, while everything is taken away.
for (const address of Object.values(pod1.addresses)) {
  await caller.spawn('ping', ['-q', '-i', '0.005', address])
  await seedHost.spawn('ping', ['-q', '-i', '0.005', address])
}

const SIDES = [
  { daemon: seed, host: seedHost },
  { daemon: client, host: node },
] as const

t.test('the firewall comes back, however it was taken away', async (t) => {
  for (const side of SIDES) {
    await using _ = await keepOtherTables(side.host)
    await expectRepair(t, side, 'firewall', ['nft', 'flush', 'ruleset'])
    await expectRepair(t, side, 'firewall', ['nft', 'delete', 'table', ...FIREWALL])
    await expectRepair(t, side, 'firewall', ['nft', 'flush', 'chain', ...FIREWALL, 'forward'])
    const opened = [...FIREWALL, 'input', 'iifname', 'vpn0', 'accept']
    await expectRepair(t, side, 'firewall', ['nft', 'insert', 'rule', ...opened])
  }
  await expectTraffic(t)
})

t.test(
  'every kind of route and every rule comes back, and meanwhile no packet goes another way',
  async (t) => {
    for (const side of SIDES) {
      for (const [object, command] of await listLinks(side.host)) await expectRepair(t, side, object, command)
    }
    await expectTraffic(t)
    t.equal(await total(strays), 0)
  },
)

t.test('nobody misses the route that came with an address', async (t) => {
  for (const { host } of SIDES) {
    await host.ip(Object.values(NETWORKS.vpn).map((network) => `route del ${network} dev vpn0 proto kernel`))
  }
  await expectTraffic(t)
})

t.test('so do addresses and the link', async (t) => {
  for (const side of SIDES) {
    for (const address of await addressesOf(side.host)) {
      await expectRepair(t, side, 'address', ['ip', 'address', 'del', address, 'dev', 'vpn0'])
    }
    await expectRepair(t, side, 'interface', ['ip', 'link', 'set', 'vpn0', 'down'])
    await expectRepair(t, side, 'interface', ['ip', 'link', 'set', 'vpn0', 'mtu', '1280'])
    // The kernel drops all that it would have to hold, and says nothing.
    await expectRepair(t, side, 'interface', ['ip', 'link', 'set', 'vpn0', 'txqueuelen', '0'])
  }
  await expectTraffic(t)
  t.equal(await total(strays), 0)
})

t.test('forwarding that is switched off is switched on again', async (t) => {
  for (const side of SIDES) {
    for (const sysctl of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) {
      await expectRepair(t, side, 'sysctl', ['sysctl', '-qw', `${sysctl}=0`])
    }
  }
  await expectTraffic(t)
})

t.test('when the routes and what catches them go at once, no packet goes another way', async (t) => {
  for (const side of SIDES) {
    for (const family of ['-4', '-6']) {
      await expectRepair(t, side, 'route', ['ip', family, 'route', 'flush', 'table', 'all', 'proto', '119'])
    }
  }
  await expectTraffic(t)
  t.equal(await total(strays), 0)
})

t.test(
  'a shoot without a firewall opens no connection to the seed, whenever that of the seed goes',
  async (t) => {
    await removeFirewall(lab, client)
    const server = await seedHost.spawn('socat', ['-u', 'TCP-LISTEN:8080,fork,reuseaddr', 'OPEN:/dev/null'])
    await seedHost.waitForPort(server, 8080)
    const knocks =
      "for i in $(seq 100); do timeout 0.2 bash -c '</dev/tcp/192.168.123.1/8080' && echo open; done 2>/dev/null"
    let isOver = false
    const knocking = pod1.run('bash', ['-c', knocks]).finally(() => {
      isOver = true
    })
    await using _ = await keepOtherTables(seedHost)
    for (let flushes = 0; flushes < 2 && !isOver; flushes++) {
      await expectRepair(t, SIDES[0], 'firewall', ['nft', 'flush', 'ruleset'])
    }
    t.notMatch((await knocking).stdout, 'open')
  },
)

async function expectRepair(
  t: Test,
  { daemon, host }: { readonly daemon: Daemon; readonly host: Host },
  object: string,
  [command = '', ...args]: readonly string[],
): Promise<void> {
  const what = `${daemon.host.name}: ${[command, ...args].join(' ')}`
  const [before, stood] = [await repairs(daemon, object), await readOwn(host)]
  await host.mustRun(command, args)
  const brokenAtMs = performance.now()
  // One command may take several things away one by one, and the first repair come before the last of them.
  let stands = ''
  do {
    await pause(20)
    if ((await repairs(daemon, object)) !== before) stands = await readOwn(host)
  } while (stands !== stood && performance.now() - brokenAtMs < REPAIRED_WITHIN_MS)
  const tookMs = Math.round(performance.now() - brokenAtMs)
  t.ok(tookMs < REPAIRED_WITHIN_MS, `${what}: put back after ${tookMs} ms`)
  t.strictSame(stands, stood, what)
  t.equal((await daemon.admin('/readyz')).status, 200, what)
}

async function expectTraffic(t: Test): Promise<void> {
  const urls = Object.values(pod1.addresses).map((address) => `http://${inUrl(address)}/`)
  for (const url of urls) {
    t.match(await stage.curlRouted(url), { code: 0 }, url)
    t.match(await stage.curlEgress(url), { code: 0 }, url)
  }
}

async function repairs(daemon: Daemon, object: string): Promise<number> {
  const { body } = await daemon.admin('/metrics')
  return Number(new RegExp(`network_repairs_total\\{object="${object}"\\} (\\d+)`).exec(body)?.[1])
}

/** Everything of ours on a host, as text. */
async function readOwn(host: Host): Promise<string> {
  const script = [
    ...['-4', '-6'].flatMap((family) => [
      `ip ${family} route show table all proto 119`,
      `ip ${family} rule show pref 11940`,
    ]),
    "ip -br address show dev vpn0 | sed 's/fe80[^ ]*//'",
    `nft -s list table ${FIREWALL.join(' ')}`,
    'sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding',
  ]
  return (await host.run('sh', ['-c', script.join('; ')])).stdout
}

/** What the lab itself has in nftables is put back at the end. */
async function keepOtherTables(host: Host): Promise<AsyncDisposable> {
  const { stdout } = await host.mustRun('nft', ['list', 'tables'])
  const others = linesOf(stdout).filter((table) => !table.includes('reversed_vpn'))
  const texts = await Promise.all(
    others.map(async (table) => (await host.mustRun('nft', ['-s', 'list', ...table.split(' ')])).stdout),
  )
  return {
    async [Symbol.asyncDispose]() {
      await host.nft(others.map((table) => `${table}\ndelete ${table}\n`).join('') + texts.join(''))
    },
  }
}

/** What to run to take away a route of each kind and each rule: of the pods, of the transfer network, and of everything else. */
async function listLinks(host: Host): Promise<[string, string[]][]> {
  const commands: [string, string[]][] = []
  for (const family of ['-4', '-6']) {
    const routes = await host.mustRun('ip', [family, 'route', 'show', 'table', 'all', 'proto', '119'])
    for (const line of linesOf(routes.stdout)) {
      if (!/default|100\.96|192\.168|fd00:10:96|fd8f/.test(line)) continue
      commands.push([
        'route',
        ['ip', family, 'route', 'del', ...line.replace(/ error .*| pref \w+|linkdown/, '').split(' ')],
      ])
    }
    const rules = await host.mustRun('ip', [family, 'rule', 'show', 'pref', '11940'])
    for (const line of linesOf(rules.stdout)) {
      commands.push(['rule', ['ip', family, 'rule', 'del', 'pref', ...line.replace(':', '').split(/\s+/)]])
    }
  }
  return commands
}

async function addressesOf(host: Host): Promise<string[]> {
  const { stdout } = await host.mustRun('ip', ['-br', 'address', 'show', 'dev', 'vpn0'])
  return stdout.trim().split(/\s+/).slice(2)
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

async function total(count: { readAll(): Promise<ReadonlyMap<string, number>> }): Promise<number> {
  return [...(await count.readAll()).values()].reduce((sum, packets) => sum + packets, 0)
}
