import { readFileSync } from 'node:fs'
import { binOf, flags, type Host } from '@reversed-vpn/test/lab'
import t from 'tap'
import { asPlainUser } from './support/rights.js'
import { TunnelLab } from './support/tunnel-lab.js'

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { certificates } = stage
const { node, seed } = stage.hosts

/** The congestion control of each connection of the tunnel port, as the kernel tells it. */
async function controlsOn(host: Host): Promise<string[]> {
  const { stdout } = await host.mustRun('ss', [
    '-tniHO',
    'state',
    'established',
    '( sport = 1194 or dport = 1194 )',
  ])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => /\b(reno|cubic|bbr)\b/.exec(line)?.[1] ?? line)
}

async function setKernelDefault(name: string): Promise<void> {
  for (const host of [node, seed]) {
    await host.mustRun('sysctl', ['-qw', `net.ipv4.tcp_congestion_control=${name}`])
  }
}

t.test("connections of the tunnel are carried by bbr, whatever the kernel's default is", async (t) => {
  await setKernelDefault('reno')
  const { seed: server, client } = await stage.startBoth([], { args: ['--lanes', '2'] })
  await using _server = server
  await using _client = client
  await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && lane === 1)
  t.strictSame(await controlsOn(seed), ['bbr', 'bbr'])
  t.strictSame(await controlsOn(node), ['bbr', 'bbr'])
})

t.test('each side takes the one it is told to', async (t) => {
  const { seed: server, client } = await stage.startBoth(['--congestion', 'cubic'], {
    args: ['--congestion', 'reno', '--lanes', '1'],
  })
  await using _server = server
  await using _client = client
  t.strictSame(await controlsOn(seed), ['cubic'])
  t.strictSame(await controlsOn(node), ['reno'])
})

const { tunnelCa, seedServer, shootClient } = certificates
for (const [name, host, good] of [
  ['seed-server', seed, { 'tls-cert': seedServer.certFile, 'tls-key': seedServer.keyFile }],
  [
    'shoot-client',
    node,
    { server: 'seed:1194', 'tls-cert': shootClient.certFile, 'tls-key': shootClient.keyFile },
  ],
] as const) {
  const run = (program: readonly string[], congestion: string) => {
    const args = flags({ ...good, 'tls-ca': tunnelCa.certFile, congestion })
    const [command = '', ...rest] = [...program, binOf(name), ...args]
    return host.run(command, rest)
  }
  t.test(`${name} does not start with one that the kernel does not have`, async (t) => {
    const { code, stderr } = await run([], 'no_such')
    t.match(
      stderr,
      new RegExp(`^${name}: congestion control no_such is not available: [^\\n]*"[^"\\n]*bbr[^"\\n]*"\\n$`),
    )
    t.equal(code, 1)
  })

  const allowed = readFileSync('/proc/sys/net/ipv4/tcp_allowed_congestion_control', 'utf8')
  const skip = /\bcubic\b/.test(allowed) && 'this kernel lets everyone use cubic'
  t.test(`${name} does not start with one that needs a capability it lacks`, { skip }, async (t) => {
    const { code, stderr } = await run(asPlainUser(), 'cubic')
    t.match(
      stderr,
      new RegExp(`^${name}: congestion control cubic is not allowed: [^\\n]+ CAP_NET_ADMIN\\n$`),
    )
    t.equal(code, 1)
  })
}
