import { join } from 'node:path'
import { type Daemon, startIperf3, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { connect } from './support/connection.js'
import { publishNoise, sha256Of, writeNoise } from './support/files.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'

const MIB = 1024 * 1024
const HASH_PORT = 9002

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, node, node2, pod1, pod2 } = lab.hosts
await Promise.all([pod1, pod2, node2].map((host) => startNginx(lab, host)))

const PLACES = [
  { what: 'a pod', addresses: pod1.addresses, page: /^pod1\n$/ },
  { what: 'a pod of another network', addresses: pod2.addresses, page: /^pod2\n$/ },
  { what: 'a service', addresses: lab.service, page: /^pod[12]\n$/ },
  { what: 'a node', addresses: node2.addresses, page: /^node2\n$/ },
]

let seed: Daemon
let client: Daemon

t.test('both are healthy and not ready until the tunnel is up', async (t) => {
  client = await stage.startClient()
  t.equal((await client.admin('/healthz')).status, 200)
  t.match(await client.admin('/readyz'), { status: 503, body: 'no session with the seed-server is up\n' })
  t.match(await client.status(), { tunnelUp: false, session: null, transport: 'TCP to 192.0.2.10:1194' })
  await client.waitForLog(({ msg, reason }) => msg === 'dial failed' && reason === 'refused')

  seed = await stage.startSeed()
  t.equal((await seed.admin('/healthz')).status, 200)
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  t.match(await seed.status(), {
    tunnelUp: true,
    sessions: [{ state: 'active', peer: { name: 'vpn-shoot-client' }, lanes: [{ index: 0 }] }],
    networks: { pod: Object.values(lab.networks.pod) },
  })
  t.match(await client.status(), { tunnelUp: true, session: { state: 'active' } })
  t.notMatch((await seed.admin('/status')).body, /token/i, 'no secret')
  t.equal((await seed.metrics()).get('seed_server_tunnel_session_up'), 1)
  t.equal((await client.metrics()).get('shoot_client_tunnel_session_up'), 1)
})

t.test('both count how long they stood still for garbage collection', async (t) => {
  for (const [program, daemon] of [
    ['seed_server', seed],
    ['shoot_client', client],
  ] as const) {
    const metric = `${program}_nodejs_gc_duration_seconds`
    const samples = [...(await daemon.metrics())]
    const total = (name: string) =>
      samples
        .filter(([key]) => key.startsWith(`${metric}_${name}{`))
        .reduce((sum, [, value]) => sum + value, 0)
    t.ok(total('count') > 0, `${total('count')} pauses of ${program}`)
    t.ok(total('sum') > 0, `${total('sum')} s`)
  }
})

for (const { what, addresses, page } of PLACES) {
  t.test(`${what} answers through the egress proxy and over routes`, async (t) => {
    for (const address of [addresses.ipv4, addresses.ipv6]) {
      const url = `http://${inUrl(address)}/`
      t.match(await stage.curlEgress(url), { code: 0, stdout: page }, `${url} through the proxy`)
      t.match(await stage.curlRouted(url), { code: 0, stdout: page }, `${url} routed`)
    }
  })
}

t.test('ICMP passes, in fragments too', async (t) => {
  for (const { addresses } of [pod1, node, node2]) {
    for (const address of [addresses.ipv4, addresses.ipv6]) {
      for (const bytes of [56, 3000]) {
        const args = ['-c', '3', '-i', '0.05', '-W', '20', '-s', String(bytes), address]
        const { stdout } = await caller.run('ping', args)
        t.match(stdout, ' 3 received', `${bytes} bytes to ${address}`)
      }
    }
  }
})

t.test('UDP passes, datagrams longer than the MTU too', async (t) => {
  for (const address of [pod1.addresses.ipv4, pod1.addresses.ipv6]) {
    for (const bytes of [200, 4000]) {
      // One for each: a server that has not seen the end of the measurement before refuses the next.
      await using _iperf3 = await startIperf3(pod1)
      const args = ['-c', address, '-u', '-b', '1M', '-n', '200K', '-l', String(bytes), '-J']
      const { stdout } = await caller.run('iperf3', args, { deadlineMs: 60_000 })
      const { end, error } = JSON.parse(stdout) as {
        end: { sum?: { lost_packets: number; packets: number } }
        error?: string
      }
      t.equal(error, undefined)
      t.equal(end.sum?.lost_packets, 0, `${bytes} bytes to ${address}`)
      t.ok((end.sum?.packets ?? 0) >= 50, `${end.sum?.packets} datagrams`)
    }
  }
})

t.test('large downloads arrive byte for byte', async (t) => {
  const noise = await publishNoise(lab, pod1, 'noise', 32 * MIB)
  const fetchers = [
    ['through the proxy', (url: string, args: string[]) => stage.curlEgress(url, args)],
    ['routed', (url: string, args: string[]) => stage.curlRouted(url, args)],
  ] as const
  for (const [way, fetch] of fetchers) {
    for (const address of [pod1.addresses.ipv4, pod1.addresses.ipv6]) {
      const copy = join(lab.dir, 'copy')
      const answer = await fetch(`http://${inUrl(address)}/noise`, ['-o', copy])
      t.equal(answer.code, 0, answer.stderr)
      t.equal(await sha256Of(copy), noise.sha256, `${way} from ${address}`)
    }
  }
})

t.test('a pod answers a large upload after the other half has ended', async (t) => {
  // What it says depends on all it got, and it can say it only when it has seen the end.
  const sink = await pod1.spawn('socat', [
    '-t20',
    `TCP6-LISTEN:${HASH_PORT},ipv6only=0,fork,reuseaddr`,
    'SYSTEM:sha256sum',
  ])
  t.teardown(() => sink.stop())
  await pod1.waitForPort(sink, HASH_PORT, { families: [6] })
  const noise = await writeNoise(join(lab.dir, 'upload'), 32 * MIB)
  for (const address of [pod1.addresses.ipv4, pod1.addresses.ipv6]) {
    const { certFile, keyFile } = stage.certificates.apiserver
    const proxied = await connect(caller, {
      host: 'seed',
      port: 9443,
      tls: { certFile, keyFile },
      connectTo: `${inUrl(address)}:${HASH_PORT}`,
      sendFile: noise.path,
      endsItsHalf: true,
    })
    t.match(proxied.received, /^HTTP\/1\.1 200 [^\r]*\r\n\r\n/)
    t.match(proxied.received, noise.sha256, `through the proxy to ${address}`)
    const routed = await connect(caller, {
      host: address,
      port: HASH_PORT,
      sendFile: noise.path,
      endsItsHalf: true,
    })
    t.match(routed.received, noise.sha256, `routed to ${address}`)
  }
})

t.test('what passes is counted on both sides', async (t) => {
  const read = async () => {
    const [ofSeed, ofClient] = await Promise.all([seed.metrics(), client.metrics()])
    return ['toShoot', 'toSeed'].flatMap((direction) => [
      ofSeed.get(`seed_server_tunnel_bytes_total{direction="${direction}"}`) ?? Number.NaN,
      ofClient.get(`shoot_client_tunnel_bytes_total{direction="${direction}"}`) ?? Number.NaN,
    ])
  }
  const before = await read()
  await caller.mustRun('ping', ['-c', '10', '-i', '0.02', '-s', '1000', pod1.addresses.ipv4])
  const after = await read()
  after.forEach((bytes, index) => {
    t.ok(bytes - (before[index] ?? Number.NaN) >= 10 * 1028, `${before[index]} to ${bytes}`)
  })
})

t.test('a packet too big for what lies behind the tunnel gets the error, not a black hole', async (t) => {
  await node.ip(['link set pod1 mtu 1300'])
  const noise = await publishNoise(lab, pod1, 'narrow', 2 * MIB)
  for (const address of [pod1.addresses.ipv4, pod1.addresses.ipv6]) {
    const big = await caller.run('ping', ['-c', '1', '-W', '20', '-M', 'do', '-s', '1400', address])
    t.match(big.stdout + big.stderr, /(mtu ?= ?1300|Packet too big: mtu=1300)/i, address)
    const copy = join(lab.dir, 'narrow-copy')
    t.match(await stage.curlRouted(`http://${inUrl(address)}/narrow`, ['-o', copy]), { code: 0 })
    t.equal(await sha256Of(copy), noise.sha256, 'TCP finds its size')
  }
  await node.ip(['link set pod1 mtu 1500'])
})

t.test('a packet too big for the tunnel gets the error, not a black hole', async (t) => {
  await Promise.all([seed.stop(), client.stop()])
  const { seed: narrowSeed } = await stage.startBoth(['--mtu', '1350'])
  t.match(await narrowSeed.status(), { mtu: 1350 })
  for (const address of [pod2.addresses.ipv4, pod2.addresses.ipv6]) {
    const big = await caller.run('ping', ['-c', '1', '-W', '20', '-M', 'do', '-s', '1400', address])
    t.match(big.stdout + big.stderr, /(mtu ?= ?1350|Packet too big: mtu=1350)/i, address)
    const fitting = await caller.run('ping', ['-c', '1', '-W', '20', '-M', 'do', '-s', '1300', address])
    t.match(fitting.stdout, ' 1 received', address)
    t.match(await stage.curlRouted(`http://${inUrl(address)}/big`, ['-o', '/dev/null']), { code: 0 })
  }
})
