import { readFileSync } from 'node:fs'
import {
  binOf,
  type CertificateRequest,
  type Daemon,
  flags,
  NODE_PUBLIC,
  networkFlags,
  ROUTED_CALLER,
  seedServerRequest,
  shootClientRequest,
  startNginx,
  startSeedServer,
  startShootClient,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { readMachine } from './support/machine.js'
import { asNetworkAdmin, asPlainUser, openToEveryone, PLAIN_UID } from './support/rights.js'
import { inUrl, QUICK_RECONNECT, QUICK_TIMES, TunnelLab } from './support/tunnel-lab.js'

const PORT = 4314
/** CAP_NET_ADMIN is number 12. */
const NET_ADMIN_ALONE = (1 << 12).toString(16).padStart(16, '0')

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { node, pod1, seed: seedHost } = lab.hosts
await startNginx(lab, pod1)
const untouched = await readBoth()

t.test('root with CAP_NET_ADMIN alone makes the network, carries, and takes it away again', async (t) => {
  const [seed, client] = await Promise.all([
    stage.startSeed([], [...asNetworkAdmin(), binOf('seed-server')]),
    stage.startClient({ command: [...asNetworkAdmin(), binOf('shoot-client')] }),
  ])
  await expectTraffic(t, seed, client)
  for (const { pid } of [seed, client]) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    for (const set of ['Eff', 'Prm', 'Bnd']) t.match(status, `Cap${set}:\t${NET_ADMIN_ALONE}\n`)
  }
  await Promise.all([seed.stop(), client.stop()])
  for (const [host, daemon] of [
    [seedHost, 'seed-server'],
    [node, 'shoot-client'],
  ] as const) {
    const [program = '', ...args] = [...asNetworkAdmin(), binOf(daemon), 'setup', '--undo']
    await host.mustRun(program, args)
  }
  t.strictSame(await readBoth(), untouched)
})

t.test('without any right where the seed-server dials', async (t) => {
  const forBoth = (request: CertificateRequest) =>
    certificates.tunnelCa.issue({ ...request, usage: 'both' as const })
  const [seedServer, shootClient] = await Promise.all([
    forBoth(seedServerRequest()),
    forBoth(shootClientRequest()),
  ])
  await openToEveryone(lab)
  // What the load balancer of the shoot does.
  await node.nft(`add rule inet lab direct tcp dport ${PORT} accept\n`)
  const reachable = await readBoth()
  const listening = ['--listen', `[::]:${PORT}`]
  const setUp = ['setup', '--uid', String(PLAIN_UID), ...flags(networkFlags())]
  await seedHost.mustRun(binOf('seed-server'), [...setUp, ...ROUTED_CALLER])
  await node.mustRun(binOf('shoot-client'), [...setUp, ...listening])

  const seed = await startSeedServer(lab, {
    certificates: { ...certificates, seedServer },
    command: [...asPlainUser(), binOf('seed-server')],
    args: [...QUICK_TIMES, ...QUICK_RECONNECT, ...ROUTED_CALLER, '--dial', `${NODE_PUBLIC.ipv4}:${PORT}`],
  })
  const startClient = () =>
    startShootClient(lab, {
      certificates,
      client: shootClient,
      command: [...asPlainUser(), binOf('shoot-client')],
      args: [...QUICK_TIMES, ...listening, '--lanes', '2'],
    })
  let client = await startClient()
  await expectTraffic(t, seed, client)
  const own = await stage.curlRouted(`http://${node.addresses.ipv4}:${PORT}/`, ['-m', '1'])
  t.equal(own.code, 28, 'the port that is dialled is not reached through the tunnel')

  const fromLine = seed.process.output.length
  await client.stop('SIGKILL')
  client = await startClient()
  await seed.waitForLog(({ msg }) => msg === 'session active', { fromLine })
  await expectTraffic(t, seed, client)

  await Promise.all([seed.stop(), client.stop()])
  await seedHost.mustRun(binOf('seed-server'), ['setup', '--undo'])
  await node.mustRun(binOf('shoot-client'), ['setup', '--undo'])
  t.strictSame(await readBoth(), reachable)
})

async function readBoth() {
  return { seed: await readMachine(seedHost), node: await readMachine(node) }
}

async function expectTraffic(t: Test, seed: Daemon, client: Daemon): Promise<void> {
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  for (const address of [pod1.addresses.ipv4, pod1.addresses.ipv6]) {
    const url = `http://${inUrl(address)}/`
    t.match(await stage.curlEgress(url), { code: 0, stdout: 'pod1\n' }, `${url} through the proxy`)
    t.match(await stage.curlRouted(url), { code: 0, stdout: 'pod1\n' }, `${url} routed`)
  }
}
