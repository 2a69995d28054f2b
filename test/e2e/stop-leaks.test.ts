// Packets for the shoot's networks, and answers to the seed, on the wires that lead away from both daemons.
import { binOf, type Daemon, type Host, type LabProcess, NETWORKS, startNginx } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { readMachine } from './support/machine.js'
import { countPackets } from './support/packet-count.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'

const MATCHES = [
  `ip daddr { ${Object.values(NETWORKS)
    .map(({ ipv4 }) => ipv4)
    .join(', ')} }`,
  `ip6 daddr { ${Object.values(NETWORKS)
    .map(({ ipv6 }) => ipv6)
    .join(', ')} }`,
]
const NONE = MATCHES.map(() => 0)
const SEED_TRANSFER = ['192.168.123.1', 'fd8f:6d53:b97a:1::1']
const STAYS = 'routes stay, so that nothing for the networks leaves outside the tunnel'

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { caller, internet, node, pod1, seed: seedHost } = stage.hosts
const SIDES = [
  { daemon: 'seed-server', host: seedHost },
  { daemon: 'shoot-client', host: node },
] as const
await startNginx(stage.lab, pod1)
const untouched = await readBoth()
const wire = await countPackets(internet, MATCHES)
t.teardown(() => wire[Symbol.asyncDispose]())

let seed: Daemon
let client: Daemon

t.test('before the first start a machine does with them what it likes', async (t) => {
  await knock()
  for (const [match, count] of await wire.readAll()) t.ok(count > 0, `so that what leaks is seen: ${match}`)
})

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  t.test(`none leaves from start to end, after ${signal}, nor while the next one starts`, async (t) => {
    await startBoth()
    const before = await wire.readAll()
    const knocking = await keepKnocking()
    await Promise.all([seed.stop(signal), client.stop(signal)])
    await knock()
    await startBoth()
    await expectTraffic(t)
    await Promise.all(knocking.map((ping) => ping.stop('SIGINT')))
    for (const { stdout } of knocking) t.match(stdout.join('\n'), /[1-9]\d* packets transmitted/)
    t.strictSame(await difference(before), NONE)
    await Promise.all([seed.stop(), client.stop()])
    for (const { logs } of [seed, client]) {
      const { networks, ...line } = logs.find(({ msg }) => msg === STAYS) ?? {}
      t.match(line, { tun: 'vpn0', command: 'setup --undo --tun vpn0' })
      for (const network of Object.values(NETWORKS.vpn)) t.ok([networks].flat().includes(network), network)
    }
  })
}

t.test('what stays is routes alone, and goes with setup --undo', async (t) => {
  const { routes: _, ...stopped } = await readMachine(seedHost)
  t.match(untouched.seed, stopped)
  const before = await wire.readAll()
  await knock()
  t.strictSame(await difference(before), NONE)
  for (const { daemon, host } of SIDES) {
    for (const _ of [1, 2])
      t.match(await host.run(binOf(daemon), ['setup', '--undo']), { code: 0, stderr: '' })
  }
  t.strictSame(await readBoth(), untouched)
})

async function startBoth(): Promise<void> {
  ;({ seed, client } = await stage.startBoth())
}

async function expectTraffic(t: Test): Promise<void> {
  for (const address of [pod1.addresses.ipv4, pod1.addresses.ipv6]) {
    const url = `http://${inUrl(address)}/`
    t.match(await stage.curlRouted(url), { code: 0, stdout: 'pod1\n' }, url)
  }
}

async function readBoth() {
  return { seed: await readMachine(seedHost), node: await readMachine(node) }
}

async function difference(before: ReadonlyMap<string, number>): Promise<number[]> {
  return [...(await wire.readAll())].map(([match, count]) => count - (before.get(match) ?? 0))
}

/** From in front of the seed and on it, and from behind the shoot-client to the seed. */
function targets(): [Host, string][] {
  return [
    ...Object.values(pod1.addresses).flatMap((pod): [Host, string][] => [
      [caller, pod],
      [seedHost, pod],
    ]),
    ...SEED_TRANSFER.map((address): [Host, string] => [pod1, address]),
  ]
}

/** Some packets to everything. A route that catches them makes it fail. */
async function knock(): Promise<void> {
  const args = ['-c', '3', '-i', '0.05', '-W', '1']
  await Promise.all(targets().map(([from, address]) => from.run('ping', [...args, address])))
}

function keepKnocking(): Promise<LabProcess[]> {
  return Promise.all(targets().map(([from, address]) => from.spawn('ping', ['-i', '0.02', address])))
}
