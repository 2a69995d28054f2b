import { binOf, type Daemon, type Host, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { countPackets, type PacketCount } from './support/packet-count.js'
import { removeFirewall } from './support/remove-firewall.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'

const SEED_TRANSFER = { ipv4: '192.168.123.1', ipv6: 'fd8f:6d53:b97a:1::1' }
const SEED_CONTROL = { ipv4: '10.10.1.1', ipv6: 'fd00:a:1::1' }

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, internet, node, pod1, seed: seedHost } = lab.hosts
const [{ seed, client }] = await Promise.all([
  stage.startBoth(['--egress-hold', '300ms']),
  startNginx(lab, pod1),
  startNginx(lab, node, { port: 8080 }),
  startNginx(lab, seedHost, { port: 8080 }),
  startNginx(lab, caller, { port: 8080 }),
])

t.test('the egress proxy refuses what no shoot has to be asked for', async (t) => {
  const forbidden = [
    ...['127.0.0.1', '[::1]', '0.0.0.0', '[::]', '169.254.169.254', '[fe80::1]', '224.0.0.1', '[ff02::1]'],
    ...['192.168.123.1', '192.168.123.2', '[fd8f:6d53:b97a:1::1]', '[fd8f:6d53:b97a:1::2]'],
    // Some inside the pod network, some in other clothes, and what is simply elsewhere.
    ...['100.100.100.200', '[::ffff:127.0.0.1]', '[::ffff:192.168.123.1]', '10.10.1.1', '192.0.2.10'],
  ]
  for (const host of forbidden) {
    const { stderr } = await stage.curlEgress(`http://${host}:8080/`)
    t.match(stderr, /403/, host)
  }
})

t.test('routed packets to such destinations reach nobody', async (t) => {
  await using count = await countPackets(node, ['ip daddr 100.100.100.200', 'ip daddr 192.168.123.2'])
  t.not((await stage.curlRouted('http://100.100.100.200/', ['-m', '1'])).code, 0)
  await caller.run('ping', ['-c', '3', '-i', '0.05', '-W', '1', '100.100.100.200'])
  await caller.run('ping', ['-c', '3', '-i', '0.05', '-W', '1', '192.168.123.2'])
  t.equal(await count.read('ip daddr 100.100.100.200'), 0, 'not at the node')
  t.equal(await count.read('ip daddr 192.168.123.2'), 0, 'not at the node')
  t.ok((await dropsOf(seedHost, 'to_shoot_refused')) > 0, 'counted where they were dropped')
})

t.test("the shoot-client's admin port is not reached through the tunnel, its neighbour is", async (t) => {
  for (const address of Object.values(node.addresses)) {
    const at = inUrl(address)
    t.match(await stage.curlRouted(`http://${at}:8080/`), { code: 0, stdout: 'node\n' }, `${at}:8080`)
    t.not((await stage.curlRouted(`http://${at}:15001/healthz`, ['-m', '1'])).code, 0, `${at}:15001 routed`)
    t.not((await stage.curlEgress(`http://${at}:15001/healthz`, ['-m', '1'])).code, 0, `${at}:15001 proxied`)
  }
  t.ok((await dropsOf(node, 'local_own_port')) > 0)
  t.equal((await client.admin('/healthz')).status, 200, 'it is served to its own')
})

t.test('from a pod nothing on the seed can be reached', async (t) => {
  await expectUnreachable(t, pod1, SEED_TRANSFER)
})

t.test('nor by a shoot that has thrown its firewall away and routes into the tunnel', async (t) => {
  await removeFirewall(lab, client)
  const wanted = [...Object.values(SEED_CONTROL), ...Object.values(caller.addresses), seedHost.addresses.ipv4]
  await node.ip(wanted.map((address) => `route add ${address} dev vpn0`))
  await using count = await countPackets(seedHost, ['iifname "vpn0" ct state new'])
  await using arrived = await countPackets(caller, ['ip saddr 100.96.0.0/11', 'ip saddr 192.168.123.0/24'])
  const targets = [SEED_TRANSFER, SEED_CONTROL, caller.addresses]
  await Promise.all(
    [node, pod1].flatMap((from) => targets.map((target) => expectUnreachable(t, from, target))),
  )
  const dropped = (await toSeedDrops(client)) + (await toSeedDrops(seed)) + (await seedFirewallDrops())
  t.ok(dropped > 0, `${dropped} packets took the way into the tunnel, and were dropped`)
  t.equal(
    await count.read('iifname "vpn0" ct state new'),
    await seedFirewallDrops(),
    'what reached the seed as well',
  )
  t.equal(await total(arrived), 0, 'nothing arrived behind the seed')
  await node.ip(wanted.map((address) => `route del ${address} dev vpn0`))
})

t.test('nothing falls past a tunnel that is down', async (t) => {
  const toShoot = ['ip daddr { 100.96.0.0/11, 100.64.0.0/13, 10.250.0.0/16 }', 'ip6 daddr fd00:10::/32']
  const toSeed = ['ip daddr 192.168.123.0/24', 'ip6 daddr fd8f:6d53:b97a:1::/112']
  await using leaks = await countPackets(internet, [...toShoot, ...toSeed])
  const ping = (host: Host, address: string) =>
    host.run('ping', ['-c', '2', '-i', '0.05', '-W', '1', address])
  const knock = async () => {
    const pods = Object.values(pod1.addresses)
    const answers = await Promise.all(
      pods.map((pod) => stage.curlEgress(`http://${inUrl(pod)}/`, ['-m', '3'])),
    )
    for (const { code } of answers) t.not(code, 0, 'the egress proxy reaches nothing')
    await Promise.all(pods.flatMap((pod) => [ping(caller, pod), ping(seedHost, pod)]))
    await Promise.all(Object.values(SEED_TRANSFER).map((address) => ping(pod1, address)))
  }

  await client.stop('SIGKILL')
  await seed.waitForLog(({ msg }) => msg === 'session closed')
  await knock()
  t.equal(await total(leaks), 0, 'while the shoot-client is dead')

  await seed.stop('SIGKILL')
  await knock()
  t.equal(await total(leaks), 0, 'while the seed-server is dead too')

  const successor = await stage.startSeed()
  await successor.waitForLog(({ msg }) => msg === 'started')
  await successor.stop()
  await knock()
  t.equal(await total(leaks), 0, 'once the seed-server has ended in order')

  // What proves that the count counts: then nothing of ours holds packets back.
  await seedHost.mustRun(binOf('seed-server'), ['setup', '--undo'])
  await ping(seedHost, pod1.addresses.ipv4)
  t.ok((await total(leaks)) > 0, 'the way past the tunnel is open once all of ours is taken away')
})

/** Neither ICMP, nor TCP, nor UDP gets an answer. */
async function expectUnreachable(
  t: Test,
  from: Host,
  target: { readonly ipv4: string; readonly ipv6: string },
): Promise<void> {
  const knock = async (address: string) => {
    const [ping, curl, admin, udp] = await Promise.all([
      from.run('ping', ['-c', '2', '-i', '0.1', '-W', '1', address]),
      from.run('curl', ['-sS', '-g', '-m', '1', `http://${inUrl(address)}:8080/`]),
      from.run('curl', ['-sS', '-g', '-m', '1', `http://${inUrl(address)}:15000/healthz`]),
      from.run('socat', ['-T1', 'STDIO', `UDP:${inUrl(address)}:53`], { input: 'anyone?' }),
    ])
    t.match(ping.stdout, / 0 received/, `${from.name} pings ${address}`)
    t.not(curl.code, 0, `${from.name} dials ${address}`)
    t.not(admin.code, 0, `${from.name} dials the admin port of ${address}`)
    t.equal(udp.stdout, '', `${from.name} asks ${address} over UDP`)
  }
  await Promise.all([target.ipv4, target.ipv6].map(knock))
}

/** What either side's user space took for no answer. */
async function toSeedDrops(daemon: Daemon): Promise<number> {
  return [...(await daemon.metrics())]
    .filter(([name]) => /tunnel_dropped_packets_total\{direction="toSeed"/.test(name))
    .reduce((sum, [, value]) => sum + value, 0)
}

function seedFirewallDrops(): Promise<number> {
  return dropsOf(seedHost, 'from_shoot_not_reply')
}

/** A drop counter of our own table. */
async function dropsOf(host: Host, counter: string): Promise<number> {
  const { stdout } = await host.mustRun('nft', ['list', 'counter', 'inet', 'reversed_vpn_vpn0', counter])
  return Number(/packets (\d+)/.exec(stdout)?.[1])
}

async function total(count: PacketCount): Promise<number> {
  const all = await count.readAll()
  return [...all.values()].reduce((sum, packets) => sum + packets, 0)
}
