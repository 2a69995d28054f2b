import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { binOf, type Daemon } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

/** A look-up takes 5 s. On a machine that does nothing else the end takes a tenth of a second. */
const STOPPED_WITHIN_MS = 4500

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
const seed = await stage.startSeed()

/** The program, with these name servers and a search list whose last domain is the right one. */
async function withNameServers(
  servers: readonly string[],
  program: Parameters<typeof binOf>[0],
): Promise<string[]> {
  const file = join(lab.dir, 'resolv.conf')
  const search = ['search one.example two.example example', 'options ndots:5']
  await writeFile(file, [...servers.map((server) => `nameserver ${server}`), ...search, ''].join('\n'))
  const mounted = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
  return ['sh', '-c', mounted, 'sh', file, binOf(program)]
}

async function startClient(servers: readonly string[]): Promise<Daemon> {
  const command = await withNameServers(servers, 'shoot-client')
  return stage.startClient({ args: ['--server', 'seed.vpn:1194'], command })
}

/** SIGTERM ends it, and it does not wait for an answer. */
async function expectStop(t: Test, daemon: Daemon): Promise<void> {
  const startedAtMs = performance.now()
  daemon.process.kill('SIGTERM')
  t.equal((await daemon.process.exited).code, 0)
  const ms = performance.now() - startedAtMs
  t.ok(ms < STOPPED_WITHIN_MS, `ended after ${Math.round(ms)} ms`)
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

t.test('SIGTERM ends a shoot-client at once while a dead name server holds it up', async (t) => {
  await using client = await startClient([dead, '127.0.0.1'])
  await expectStop(t, client)
  t.notOk(
    client.logs.some(({ msg }) => msg === 'session opened'),
    'it was looking up',
  )
})

t.test('where all name servers are dead the reason says so, and names what was looked up', async (t) => {
  await using client = await startClient([dead, hosts.internet.addresses.ipv4])
  await hosts.internet.nft(
    'table inet lost { chain input { type filter hook input priority 0; udp dport 53 drop; }; }',
  )
  const failed = await client.waitForLog(({ msg }) => msg === 'dial failed')
  t.match(failed, { reason: 'resolve', detail: /look-up of seed\.vpn/ })
})

t.test('SIGTERM ends a seed-server at once that looks up the name of its egress port', async (t) => {
  await seed.stop()
  const command = await withNameServers([dead], 'seed-server')
  await using waiting = await stage.startSeed(['--egress-listen', 'egress.vpn:9443'], command)
  await expectStop(t, waiting)
  t.notOk(
    waiting.logs.some(({ msg }) => msg === 'started'),
    'it was looking up',
  )
})
