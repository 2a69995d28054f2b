import { chmod, copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  binOf,
  flags,
  networkFlags,
  seedServerRequest,
  shootClientRequest,
  withFlaw,
} from '@reversed-vpn/test/lab'
import t from 'tap'
import { readMachine } from './support/machine.js'
import { TunnelLab } from './support/tunnel-lab.js'

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { node, seed } = lab.hosts
const { tunnelCa, egressCa, egressServer, seedServer, shootClient } = certificates
const [mismatchedServer, mismatchedClient] = await Promise.all([
  tunnelCa.issue(withFlaw(seedServerRequest(), 'mismatched-key')),
  tunnelCa.issue(withFlaw(shootClientRequest(), 'mismatched-key')),
])

type Flags = Readonly<Record<string, string | readonly string[] | undefined>>
const SEED_FLAGS: Flags = {
  'tls-cert': seedServer.certFile,
  'tls-key': seedServer.keyFile,
  'tls-ca': tunnelCa.certFile,
  'egress-tls-cert': egressServer.certFile,
  'egress-tls-key': egressServer.keyFile,
  'egress-tls-ca': egressCa.certFile,
  ...networkFlags(),
}
const CLIENT_FLAGS: Flags = {
  server: '192.0.2.10:1194',
  'tls-cert': shootClient.certFile,
  'tls-key': shootClient.keyFile,
  'tls-ca': tunnelCa.certFile,
}

interface Case {
  readonly what: string
  /** Instead of the flags that work; undefined leaves one out. */
  readonly flags: Flags
  readonly code: 1 | 2
  /** In the one line that is told. */
  readonly line: RegExp
}

const ofBoth: readonly Case[] = [
  {
    what: 'a missing certificate',
    flags: { 'tls-cert': undefined },
    code: 2,
    line: /--tls-cert .*SERVER_TLS_CERT|--tls-cert .*CLIENT_TLS_CERT/,
  },
  {
    what: 'an unreadable certificate',
    flags: { 'tls-cert': '/nowhere/tls.crt' },
    code: 2,
    line: /--tls-cert .*\/nowhere\/tls\.crt/,
  },
  {
    what: 'a certificate that is none',
    flags: { 'tls-cert': '/etc/hostname' },
    code: 2,
    line: /--tls-cert .*\/etc\/hostname/,
  },
  {
    what: 'an authority that is none',
    flags: { 'tls-ca': '/dev/null' },
    code: 2,
    line: /--tls-ca .*\/dev\/null/,
  },
  { what: 'no CIDR', flags: { 'pod-network': '10.0.0.0' }, code: 2, line: /--pod-network "10\.0\.0\.0"/ },
  {
    what: 'host bits',
    flags: { 'node-network': '10.0.0.1/16' },
    code: 2,
    line: /--node-network "10\.0\.0\.1\/16"/,
  },
  {
    what: 'a network of everything',
    flags: { 'service-network': '0.0.0.0/0' },
    code: 2,
    line: /--service-network "0\.0\.0\.0\/0"/,
  },
  { what: 'everything in IPv6', flags: { 'pod-network': '::/0' }, code: 2, line: /--pod-network "::\/0"/ },
  { what: 'a flag that there is not', flags: { 'no-such-flag': 'x' }, code: 2, line: /--no-such-flag/ },
  { what: 'a bad duration', flags: { keepalive: '5 parsecs' }, code: 2, line: /--keepalive "5 parsecs"/ },
  {
    what: 'death before the second PING',
    flags: { keepalive: '5s', 'dead-after': '4s' },
    code: 2,
    line: /--dead-after/,
  },
  {
    what: 'a name too long for an interface',
    flags: { tun: 'an-interface-of-16' },
    code: 2,
    line: /--tun "an-interface-of-16"/,
  },
  { what: 'a name that another interface has', flags: { tun: 'wan0' }, code: 1, line: /wan0/ },
]
const ofSeed: readonly Case[] = [
  {
    what: "another key's certificate",
    flags: { 'tls-cert': mismatchedServer.certFile, 'tls-key': mismatchedServer.keyFile },
    code: 2,
    line: /--tls-(key|cert) .*/,
  },
  {
    what: 'no network at all',
    flags: { 'pod-network': undefined, 'service-network': undefined, 'node-network': undefined },
    code: 2,
    line: /--pod-network/,
  },
  {
    what: 'a transfer network inside the pods',
    flags: { 'vpn-network': '100.96.4.0/24' },
    code: 2,
    line: /--vpn-network .*100\.96\.4\.0\/24/,
  },
  {
    what: 'a network that covers a local address',
    flags: { 'pod-network': '10.10.0.0/16' },
    code: 1,
    line: /10\.10\.0\.0\/16 covers 10\.10\.1\.1/,
  },
  {
    what: 'a network that covers the gateway',
    flags: { 'node-network': '192.0.2.0/29' },
    code: 1,
    line: /192\.0\.2\.0\/29 covers 192\.0\.2\.1/,
  },
  { what: 'a tunnel port in use', flags: { listen: '[::]:7000' }, code: 1, line: /7000/ },
  { what: 'an egress port in use', flags: { 'egress-listen': '[::]:7000' }, code: 1, line: /7000/ },
  { what: 'an admin port in use', flags: { 'admin-listen': '[::]:7000' }, code: 1, line: /7000/ },
]
const ofClient: readonly Case[] = [
  {
    what: "another key's certificate",
    flags: { 'tls-cert': mismatchedClient.certFile, 'tls-key': mismatchedClient.keyFile },
    code: 2,
    line: /--tls-(key|cert) .*/,
  },
  { what: 'no server', flags: { server: undefined }, code: 2, line: /--server: is not given/ },
  {
    what: 'a server without port',
    flags: { server: '192.0.2.10' },
    code: 2,
    line: /--server "192\.0\.2\.10"/,
  },
  {
    what: 'a gateway that is no URL',
    flags: { gateway: 'gateway:8132' },
    code: 2,
    line: /--gateway "gateway:8132"/,
  },
  {
    what: 'a header without a gateway',
    flags: { header: 'Reversed-VPN: x' },
    code: 2,
    line: /--header .*--gateway/,
  },
  {
    what: 'a header that is none',
    flags: { gateway: 'http://gateway:8132', header: 'no colon' },
    code: 2,
    line: /--header "no[^"]*"/,
  },
  { what: 'an admin port in use', flags: { 'admin-listen': '[::]:7000' }, code: 1, line: /7000/ },
]

const DAEMONS = [
  { name: 'seed-server', host: seed, good: SEED_FLAGS, cases: [...ofBoth, ...ofSeed] },
  { name: 'shoot-client', host: node, good: CLIENT_FLAGS, cases: [...ofBoth, ...ofClient] },
] as const

for (const { name, host, good, cases } of DAEMONS) {
  t.test(`${name} refuses`, async (t) => {
    const squatter = await host.spawn('socat', ['TCP6-LISTEN:7000,ipv6only=0,fork', 'EXEC:true'])
    await host.waitForPort(squatter, 7000, { families: [6] })
    const before = await readMachine(host)
    // Those that are refused by their words alone do not get far enough to be in each other's way.
    for (const { code, jobs } of [
      { code: 2, jobs: 4 },
      { code: 1, jobs: 1 },
    ]) {
      await t.test(`with ${code}, in one line`, { jobs }, async (t) => {
        for (const { what, flags: bad, line } of cases.filter((one) => one.code === code)) {
          t.test(what, async (t) => {
            const result = await host.run(binOf(name), flags({ ...good, ...bad }), { deadlineMs: 60_000 })
            t.equal(result.code, code, result.stdout + result.stderr)
            t.match(result.stderr, line)
            t.match(result.stderr, new RegExp(`^${name}: [^\\n]+\\n$`), 'one line that begins with its name')
            t.notMatch(result.stderr + result.stdout, /\n\s+at /, 'no stack')
          })
        }
      })
    }
    t.test('and leaves the machine as it was', async (t) => {
      t.strictSame(await readMachine(host), before)
      await squatter.stop()
    })
  })

  t.test(`${name} says what it lacks when it may not make a TUN`, async (t) => {
    const before = await readMachine(host)
    const readable = await copyForEveryone(name, good)
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', binOf(name), ...flags(readable)]
    const { code, stderr } = await host.run('setpriv', asNobody)
    t.equal(code, 1, stderr)
    t.match(stderr, new RegExp(`^${name}: [^\\n]*(permitted|permission|EPERM|EACCES)[^\\n]*\\n$`, 'i'))
    t.strictSame(await readMachine(host), before)
  })

  t.test(
    `${name} ends with 0 on SIGTERM, however early, and leaves nothing that setup --undo cannot take`,
    async (t) => {
      const before = await readMachine(host)
      const ends: string[] = []
      // The last one is past its start; those before are caught at whatever they are doing then.
      for (const line of [/./, /started"/]) {
        const daemon = await host.spawn(binOf(name), [...flags(good), '--log-level', 'debug'])
        await daemon.waitForLine(line)
        daemon.kill('SIGTERM')
        const { code, signal } = await daemon.exited
        ends.push(`${code ?? signal}`)
        await host.mustRun(binOf(name), ['setup', '--undo'])
        t.strictSame(await readMachine(host), before, `after ${line}`)
      }
      t.strictSame(ends, ['0', '0'])
    },
  )
}

/** The same files where a user without rights can read them. */
async function copyForEveryone(name: string, given: Flags): Promise<Flags> {
  const dir = join(lab.dir, `for-everyone-${name}`)
  await mkdir(dir)
  await chmod(dir, 0o755)
  const entries = Object.entries(given).map(async ([flag, value]): Promise<[string, Flags[string]]> => {
    if (typeof value !== 'string' || !value.startsWith('/')) return [flag, value]
    const copy = join(dir, flag)
    await copyFile(value, copy)
    await chmod(copy, 0o644)
    return [flag, copy]
  })
  return Object.fromEntries(await Promise.all(entries))
}
