// The network of a pod of Calico's: IPv4 forwarding is off, and sysctls are read-only for everyone in it.
import { existsSync } from 'node:fs'
import {
  binOf,
  type Daemon,
  flags,
  type Host,
  networkFlags,
  ROUTED_CALLER,
  startNginx,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { readMachine } from './support/machine.js'
import { asNetworkAdmin, asPlainUser, openToEveryone, PLAIN_UID } from './support/rights.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { node, pod1, seed: seedHost } = lab.hosts
const SIDES = [
  { daemon: 'seed-server', host: seedHost },
  { daemon: 'shoot-client', host: node },
] as const
/** Forwards in the shoot whatever the tunnel needs, and has nothing to do with it. */
const UNRELATED = 'other0'

await Promise.all([
  openToEveryone(lab),
  startNginx(lab, pod1),
  node.ip([`link add ${UNRELATED} type veth peer name other1`]),
])

t.beforeEach(() => switchOff('net.ipv4.ip_forward'))

t.test('daemons with CAP_NET_ADMIN alone carry a CONNECT and a routed caller', async (t) => {
  const [seed, client] = await Promise.all([
    stage.startSeed([], [...asNetworkAdmin(), binOf('seed-server')]),
    stage.startClient({ command: [...asNetworkAdmin(), binOf('shoot-client')] }),
  ])
  await expectTraffic(t, seed, client)
  t.equal(await readSysctl(node, `net.ipv4.conf.${UNRELATED}.forwarding`), '0')
  await Promise.all([seed.stop(), client.stop()])
})

t.test('so do daemons without any right, once setup was there with that one', async (t) => {
  for (const { daemon, host } of SIDES) {
    const done = await setUp(daemon, host)
    t.match(done, { code: 0, stdout: /"msg":"network set up"/ }, daemon)
  }
  const [seed, client] = await Promise.all([
    stage.startSeed([], [...asPlainUser(), binOf('seed-server')]),
    stage.startClient({ command: [...asPlainUser(), binOf('shoot-client')] }),
  ])
  await expectTraffic(t, seed, client)

  await client.stop()
  await node.mustRun('sysctl', ['-qw', 'net.ipv4.conf.pod1.forwarding=0'])
  await t.rejects(
    stage
      .startClient({ command: [...asPlainUser(), binOf('shoot-client')] })
      .then((daemon) => daemon.waitUntilReady()),
    { message: /net\.ipv4\.conf\.pod1\.forwarding is off, expected 1/ },
    'what was set up is compared by interface',
  )
  await seed.stop()
  for (const { daemon, host } of SIDES) await host.mustRun(binOf(daemon), ['setup', '--undo'])
})

t.test('IPv6 cannot be switched on like that: one line says what to set', async (t) => {
  await switchOff('net.ipv6.conf.all.forwarding')
  const untouched = await readMachine(node)
  const { code, stdout, stderr } = await setUp('shoot-client', node)
  t.equal(code, 1)
  t.match(
    stdout + stderr,
    /^[^\n]*net\.ipv6\.conf\.all\.forwarding is off and could not be set to 1 \(EROFS\)[^\n]*allow_ip_forwarding[^\n]*\n$/,
  )
  t.strictSame(await readMachine(node), untouched)
})

t.test(
  'IPv6 by interface is enough where the kernel knows it',
  { skip: lacksForceForwarding() },
  async (t) => {
    const sysctls = ['all', 'default'].map((device) => `net.ipv6.conf.${device}.force_forwarding=1`)
    await Promise.all(SIDES.map(({ host }) => host.mustRun('sysctl', ['-qw', ...sysctls])))
    const [seed, client] = await Promise.all([
      stage.startSeed([], [...asNetworkAdmin(), binOf('seed-server')]),
      stage.startClient({ command: [...asNetworkAdmin(), binOf('shoot-client')] }),
    ])
    await expectTraffic(t, seed, client)
    for (const { host } of SIDES)
      t.equal(await readSysctl(host, 'net.ipv6.conf.all.forwarding'), '0', host.name)
    await Promise.all([seed.stop(), client.stop()])
    await Promise.all(SIDES.map(({ daemon, host }) => host.mustRun(binOf(daemon), ['setup', '--undo'])))
  },
)

t.test('a seed-server for CONNECT alone forwards nothing, and needs nothing of that', async (t) => {
  const [program = '', ...args] = [
    ...asNetworkAdmin(),
    binOf('seed-server'),
    'setup',
    ...flags(networkFlags()),
  ]
  t.match(await seedHost.run(program, [...args, '--uid', `${PLAIN_UID}`]), { code: 0, stderr: '' })
  for (const device of ['all', 'control0', 'vpn0']) {
    t.equal(await readSysctl(seedHost, `net.ipv4.conf.${device}.forwarding`), '0', device)
  }
  await seedHost.mustRun(binOf('seed-server'), ['setup', '--undo'])
})

function lacksForceForwarding(): string | false {
  return existsSync('/proc/sys/net/ipv6/conf/all/force_forwarding') ? false : 'needs Linux 6.17'
}

async function switchOff(sysctl: string): Promise<void> {
  // A write that changes nothing would leave interfaces that were switched on by themselves as they are.
  await Promise.all(SIDES.map(({ host }) => host.mustRun('sysctl', ['-qw', `${sysctl}=1`, `${sysctl}=0`])))
}

async function readSysctl(host: Host, name: string): Promise<string> {
  return (await host.mustRun('sysctl', ['-n', name])).stdout.trim()
}

/** As an init container does. */
function setUp(daemon: (typeof SIDES)[number]['daemon'], host: Host) {
  const [program = '', ...args] = [...asNetworkAdmin(), binOf(daemon), 'setup', ...flags(networkFlags())]
  const sources = host === seedHost ? ROUTED_CALLER : []
  return host.run(program, [...args, ...sources, '--uid', `${PLAIN_UID}`])
}

async function expectTraffic(t: Test, seed: Daemon, client: Daemon): Promise<void> {
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  for (const address of [pod1.addresses.ipv4, pod1.addresses.ipv6]) {
    const url = `http://${inUrl(address)}/`
    t.match(await stage.curlEgress(url), { code: 0, stdout: 'pod1\n' }, `${url} through the proxy`)
    t.match(await stage.curlRouted(url), { code: 0, stdout: 'pod1\n' }, `${url} routed`)
  }
  for (const { host } of SIDES) t.equal(await readSysctl(host, 'net.ipv4.ip_forward'), '0', host.name)
}
