import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { binOf, type Daemon } from '@reversed-vpn/test/lab'
import t from 'tap'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

const STOPPED_WITHIN_MS = 1000

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, hosts } = stage
/** Loses all questions. */
const dead = hosts.gateway.addresses.ipv4
await hosts.gateway.nft(`table inet lost {
  chain input {
    type filter hook input priority 0
    udp dport 53 drop
  }
}`)
const living = await hosts.node.spawn('dnsmasq', [
  ...[
    '--keep-in-foreground',
    '--user=root',
    '--pid-file',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
  ],
  ...['--listen-address=127.0.0.1', '--bind-interfaces', '--local=/example/'],
  `--host-record=seed.vpn.example,${hosts.seed.addresses.ipv4}`,
])
await hosts.node.waitForPort(living, 53, { protocol: 'udp' })
await stage.startSeed()

/** A shoot-client that has these name servers, and a search list whose last domain is the right one. */
async function startClient(servers: readonly string[]): Promise<Daemon> {
  const file = join(lab.dir, 'resolv.conf')
  const search = ['search one.example two.example example', 'options ndots:5']
  await writeFile(file, [...servers.map((server) => `nameserver ${server}`), ...search, ''].join('\n'))
  const mounted = ['sh', '-c', 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', 'sh', file]
  return stage.startClient({
    args: ['--server', 'seed.vpn:1194'],
    command: [...mounted, binOf('shoot-client')],
  })
}

for (const [order, servers] of [
  ['first', [dead, '127.0.0.1']],
  ['second', ['127.0.0.1', dead]],
] as const) {
  t.test(
    `a tunnel comes up by its search list although the ${order} of two name servers is dead`,
    async (t) => {
      await using client = await startClient(servers)
      await client.waitUntilReady()
      t.notOk(
        client.logs.some(({ msg }) => msg === 'dial failed'),
        'with the first attempt',
      )
    },
  )
}

t.test('SIGTERM ends a shoot-client within a second while a dead name server holds it up', async (t) => {
  await using client = await startClient([dead, '127.0.0.1'])
  const startedAtMs = performance.now()
  client.process.kill('SIGTERM')
  t.equal((await client.process.exited).code, 0)
  t.notOk(
    client.logs.some(({ msg }) => msg === 'session opened'),
    'it was looking up',
  )
  const ms = performance.now() - startedAtMs
  t.ok(ms < STOPPED_WITHIN_MS, `ended after ${Math.round(ms)} ms`)
})

t.test('where all name servers are dead the reason says so, and names what was looked up', async (t) => {
  await using client = await startClient([dead, hosts.internet.addresses.ipv4])
  await hosts.internet.nft(
    'table inet lost { chain input { type filter hook input priority 0; udp dport 53 drop; }; }',
  )
  const failed = await client.waitForLog(({ msg }) => msg === 'dial failed')
  t.match(failed, { reason: 'resolve', detail: /look-up of seed\.vpn/ })
})
