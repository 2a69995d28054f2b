// What nobody has allowed does not happen, shown by packets on the way.
import { type Host, NODE_PUBLIC, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { connect } from '../e2e/support/connection.js'
import { countPackets } from '../e2e/support/packet-count.js'
import { removeFirewall } from '../e2e/support/remove-firewall.js'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'
import { NameServer } from './support/name-server.js'
import { type ScanPlan, scanPorts } from './support/scan-ports.js'

const IS_FULL = process.env.REVERSED_VPN_FULL === '1'
const TRANSFER = { ipv4: '192.168.123.1', ipv6: 'fd8f:6d53:b97a:1::1' }
/** Cloud metadata and link-local addresses, some of them inside a network of the shoot. */
const METADATA4 = ['169.254.169.254', '169.254.1.1', '100.100.100.200', '168.63.129.16', '192.0.0.192']
const METADATA6 = ['fd00:ec2::254']
const SPOOFED = '203.0.113.99'
const EGRESS_PORT = 9443
type Ranges = ScanPlan['ranges']

/** The well-known ones, and where the seed and its neighbours listen. */
const QUICK_RANGES = [
  [1, 1024],
  [1194, 1194],
  [2379, 2380],
  [6443, 6443],
  [8080, 8080],
  [9443, 9443],
  [10250, 10250],
  [15000, 15000],
] as const satisfies Ranges

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { caller, node, pod1, pod2, seed: seedHost } = lab.hosts
/** Long enough that a busy machine does not look like a dead peer. */
const patient = ['--keepalive', '2s', '--dead-after', '15s']
const names = await NameServer.start(lab, seedHost)
const [{ seed, client }] = await Promise.all([
  stage.startBoth([...patient, '--egress-hold', '300ms'], { args: patient }),
  startNginx(lab, pod1),
  startNginx(lab, pod2),
  startNginx(lab, seedHost),
])

/** What the egress proxy says to a CONNECT: the status, or whatever it was. */
async function connectTo(target: string): Promise<string> {
  const sendHex = Buffer.from(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`).toString('hex')
  const tls = certificates.apiserver
  const { received } = await connect(caller, { host: 'seed', port: EGRESS_PORT, tls, sendHex })
  return /^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1] ?? received
}

t.test('the egress proxy dials no address that is refused, in whatever clothes', async (t) => {
  for (const [target, status] of [
    ...METADATA4.map((address) => [`${address}:80`, '403']),
    ...METADATA6.map((address) => [`[${address}]:80`, '403']),
    ['[fe80::1]:80', '403'],
    ['[::ffff:169.254.169.254]:80', '403'],
    ['[::ffff:a9fe:a9fe]:80', '403'],
    ['[::ffff:6464:64c8]:80', '403'],
    ['[0:0:0:0:0:ffff:7f00:1]:80', '403'],
    ['[fe80::1%vpn0]:80', '400'],
    ['[fe80::1%25vpn0]:80', '400'],
    ['[fd00:10:96:1::2%vpn0]:80', '400'],
    ['2852039166:80', '400'],
    ['0xa9fea9fe:80', '400'],
    ['169.254.43518:80', '400'],
  ] as const) {
    t.equal(await connectTo(target ?? ''), status, target)
  }
})

t.test('a name is as good as its addresses', async (t) => {
  const get = (name: string) => stage.curlEgress(`http://${name}/`, ['-m', '20'])
  for (const address of [...METADATA4, ...METADATA6, '127.0.0.1', '::1', '::ffff:127.0.0.1', TRANSFER.ipv4]) {
    await names.answer('metadata.example', [address])
    t.match((await get('metadata.example')).stderr, /403/, `${address} alone is refused`)
  }
  await names.answer('mixed.example', ['127.0.0.1', pod1.addresses.ipv4, '169.254.169.254'])
  for (let i = 0; i < 5; i++) {
    t.match(await get('mixed.example'), { code: 0, stdout: 'pod1\n' }, 'beside a good one it is left out')
  }
})

t.test('a name that changes its answer is asked for once, and what was checked is dialled', async (t) => {
  const name = 'rebinding.example'
  // The seed itself serves on that port: who dials the second answer gets its page.
  await names.answer(name, [pod1.addresses.ipv4])
  t.match(await stage.curlEgress(`http://${name}/`), { code: 0, stdout: 'pod1\n' })
  t.equal(names.questions(name), 1, 'no second question between check and use')
  await names.answer(name, ['127.0.0.1'])
  t.match((await stage.curlEgress(`http://${name}/`)).stderr, /403/, 'no answer of before is believed')
  t.equal(names.questions(name), 2)
})

t.test("the shoot-client's admin port is on no address that the seed reaches", async (t) => {
  const gateways = ['100.96.1.1', 'fd00:10:96:1::1', '100.96.2.1']
  const addresses = [...Object.values(node.addresses), ...gateways, ...Object.values(NODE_PUBLIC)]
  const knocks = addresses.map(async (address) => {
    const at = `http://${inUrl(address)}:15001/healthz`
    t.not((await stage.curlRouted(at, ['-m', '1'])).code, 0, `${address} over routes`)
    t.not((await stage.curlEgress(at, ['-m', '1'])).code, 0, `${address} through the egress proxy`)
  })
  await Promise.all(knocks)
  t.equal((await client.admin('/healthz')).status, 200, 'it is served to its own')
})

t.test('metadata and link-local addresses are not reached from the seed', async (t) => {
  const matches = [
    ...METADATA4.map((address) => `ip daddr ${address}`),
    ...METADATA6.map((a) => `ip6 daddr ${a}`),
  ]
  const routes = [...METADATA4, ...METADATA6].map((address) => `${address} dev vpn0`)
  await seedHost.ip(routes.map((route) => `route replace ${route}`))
  const knock = () =>
    Promise.all([
      ...[...METADATA4, ...METADATA6, 'fe80::1%vpn0'].map((address) =>
        seedHost.run('ping', ['-c', '3', '-i', '0.05', '-W', '1', address]),
      ),
      ...METADATA4.map((address) => seedHost.run('curl', ['-sS', '-m', '1', `http://${address}/`])),
    ])
  await using behind = await countPackets(node, matches)
  const firewall = await firewallDrops(seedHost)
  await knock()
  t.ok((await firewallDrops(seedHost)) > firewall, 'the firewall of the seed drops them')
  await removeFirewall(lab, seed)
  const checks = await userSpaceDrops('toShoot')
  await knock()
  t.ok((await userSpaceDrops('toShoot')) > checks, 'where it is gone, the seed-server does')
  t.equal(await total(behind), 0, 'none has come to the node')
  await seedHost.ip(routes.map((route) => `route del ${route}`))
})

t.test('a shoot without its firewall', async (t) => {
  // The seed-server makes its own anew when it starts.
  await seed.stop()
  await using again = await stage.startSeed(patient)
  await Promise.all([again.waitUntilReady(), client.waitUntilReady()])
  await removeFirewall(lab, client)

  await t.test('finds no port of the seed that answers', async (t) => {
    const ranges: Ranges = IS_FULL ? [[1, 65_535]] : QUICK_RANGES
    const knocks = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
    for (const [family, address] of Object.entries(TRANSFER)) {
      const ip = family === 'ipv4' ? 'ip' : 'ip6'
      await using seen = await rememberPorts(seedHost, `iifname "vpn0" ${ip} daddr ${address}`)
      await using answers = await countPackets(pod1, [`${ip} saddr ${address}`])
      // A knock may be lost on the way, as any packet may.
      for (let missing = ranges; missing.length > 0; missing = await seen.missingOf(ranges)) {
        const { answered } = await scanPorts(pod1, { host: address, ranges: missing, waitMs: 100 })
        t.strictSame(answered, [], `at ${address}`)
      }
      t.pass(`each of ${knocks} ports of ${address} was knocked at, over TCP and UDP`)
      t.equal(await total(answers), 0, 'not a single packet came back')
    }
    const { answered } = await scanPorts(pod1, { host: pod2.addresses.ipv4, ranges: [[80, 81]], waitMs: 500 })
    t.strictSame(answered.toSorted(), [80, 81], 'who scans another pod gets answers')
  })

  await t.test('sends nothing under an address that is not its own', async (t) => {
    await using arrived = await countPackets(seedHost, [
      `ip saddr ${SPOOFED}`,
      `iifname "vpn0" ip saddr ${TRANSFER.ipv4}`,
    ])
    await Promise.all(
      ['all', 'pod1'].map((name) => node.mustRun('sysctl', ['-qw', `net.ipv4.conf.${name}.rp_filter=0`])),
    )
    const before = Number((await client.metrics()).get(DROPPED_SOURCES))
    await pod1.ip([`addr add ${SPOOFED}/32 dev lo`])
    await pod1.run('ping', ['-I', SPOOFED, '-c', '5', '-i', '0.05', '-W', '1', TRANSFER.ipv4])
    t.ok(Number((await client.metrics()).get(DROPPED_SOURCES)) > before, 'its own client drops it already')
    t.equal(await total(arrived), 0, 'nothing of it comes to the seed')
  })
})

const DROPPED_SOURCES = 'shoot_client_tunnel_dropped_packets_total{direction="toSeed",reason="source"}'

/** The ports that packets were for, as they come in. */
async function rememberPorts(host: Host, match: string) {
  const protocols = ['tcp', 'udp']
  const sets = protocols.map((name) => `set ${name}_ports { type inet_service; size 65535; flags dynamic; }`)
  const rules = protocols.map((name) => `${match} meta l4proto ${name} add @${name}_ports { th dport }`)
  const chain = 'type filter hook prerouting priority mangle - 10; policy accept;'
  await host.nft(
    `table inet seen {\n${sets.join('\n')}\nchain everything {\n${chain}\n${rules.join('\n')}\n}\n}\n`,
  )
  const seen = async (name: string): Promise<Set<number>> => {
    const { stdout } = await host.mustRun('nft', ['-j', 'list', 'set', 'inet', 'seen', `${name}_ports`])
    const [, { set }] = JSON.parse(stdout).nftables
    return new Set(set.elem)
  }
  return {
    /** Those for which there was none over TCP, or none over UDP. */
    async missingOf(ranges: Ranges): Promise<Ranges> {
      const [tcp, udp] = await Promise.all([seen('tcp'), seen('udp')])
      const ports = ranges.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, index) => first + index),
      )
      return ports.filter((port) => !tcp?.has(port) || !udp?.has(port)).map((port) => [port, port] as const)
    },
    [Symbol.asyncDispose]: () => host.nft('delete table inet seen\n'),
  }
}

async function firewallDrops(host: Host): Promise<number> {
  const { stdout } = await host.mustRun('nft', ['list', 'counters', 'table', 'inet', 'reversed_vpn_vpn0'])
  return [...stdout.matchAll(/packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

/** What the checks of the seed-server have dropped. */
async function userSpaceDrops(direction: 'toShoot' | 'toSeed'): Promise<number> {
  return [...(await seed.metrics())]
    .filter(([name]) => name.startsWith(`seed_server_tunnel_dropped_packets_total{direction="${direction}"`))
    .reduce((sum, [, value]) => sum + value, 0)
}

async function total(count: { readAll(): Promise<ReadonlyMap<string, number>> }): Promise<number> {
  return [...(await count.readAll()).values()].reduce((sum, packets) => sum + packets, 0)
}
