import { createLogger, loadOptions, readInvocation } from '@reversed-vpn/daemon/testing'
import { seedServer } from '@reversed-vpn/seed-server/testing'
import t from 'tap'

/** As the process does it, up to the first thing that needs rights. */
async function runSetup(args: readonly string[], environment: Record<string, string> = {}): Promise<void> {
  const invocation = readInvocation(seedServer, ['setup', ...args], environment)
  if (invocation.type !== 'run') throw new Error('nothing to run')
  await invocation.loaded.start({
    name: seedServer.name,
    version: seedServer.version,
    ...createLogger(invocation.logger),
    signal: new AbortController().signal,
    defer: () => undefined,
    fail: () => undefined,
    explain: (text) => text,
    setTrouble: () => undefined,
  })
}

t.test('the help of setup shows what it looks at, and no flag of the daemon beside', async (t) => {
  const { type, ...rest } = readInvocation(seedServer, ['setup', '--help'], {})
  t.equal(type, 'print')
  const { text } = rest as { text: string }
  for (const flag of [
    'uid',
    'gid',
    'undo',
    'pod-network',
    'vpn-network',
    'routed-from',
    'mtu',
    'tun',
    'log-level',
  ]) {
    t.match(text, new RegExp(`^ +--${flag} `, 'm'))
  }
  t.match(text, /env: SEED_SERVER_UID/)
  t.notMatch(text, /--(tls-cert|keepalive|network-setup)/)
})

t.test('every flag of the daemon is taken, and a stranger is not', async (t) => {
  const flagsOfTheDaemon = Object.entries(seedServer.options).flatMap(([flag, { kind }]) =>
    kind.isSwitch ? [`--${flag}`] : [`--${flag}`, kind.placeholder],
  )
  const known = new Set(Object.keys(seedServer.commands[0]?.options ?? {}))
  const ignored = Object.keys(seedServer.options).filter((flag) => !known.has(flag))
  t.ok(ignored.length > 10)
  for (const flag of ignored) {
    const at = flagsOfTheDaemon.indexOf(`--${flag}`)
    const given = flagsOfTheDaemon.slice(at, at + 2)
    await t.rejects(
      runSetup(given),
      { message: /^--uid: is not given/ },
      `--${flag}, and uid is still wanted`,
    )
  }
  await t.rejects(runSetup(['--no-such-flag', 'x']), { code: 'ERR_USAGE', message: /--no-such-flag/ })
})

t.test('asks for the user, unless something is taken away', async (t) => {
  const message = '--uid: is not given, expected a user id, or --undo'
  await t.rejects(runSetup(['--pod-network', '10.0.0.0/16']), { code: 'ERR_USAGE', message })
  for (const uid of ['root', '-1', '4294967295', '1.5']) {
    await t.rejects(runSetup([`--uid=${uid}`]), { code: 'ERR_USAGE', message: new RegExp(`^--uid "${uid}"`) })
  }
  await t.rejects(runSetup([], { SEED_SERVER_UID: 'root' }), { message: /environment SEED_SERVER_UID/ })
})

t.test('needs a network', async (t) => {
  await t.rejects(runSetup(['--uid', '1']), { code: 'ERR_USAGE', message: /^--pod-network: at least one of/ })
})

t.test('refuses transfer networks that cannot be', async (t) => {
  for (const [networks, message] of [
    ['10.0.4.0/24', /overlaps one of the shoot's networks/],
    ['192.168.1.0/24,192.168.2.0/24', /expected one network of a family/],
    ['192.168.1.0/31', /no room for two hosts/],
  ] as const) {
    const args = [...['--uid', '1', '--pod-network', '10.0.0.0/16'], '--vpn-network', networks]
    await t.rejects(runSetup(args), { code: 'ERR_USAGE', message }, networks)
  }
})

t.test('sources of routed packets are none, or networks of either family and interfaces', async (t) => {
  for (const { options } of [seedServer, ...seedServer.commands]) {
    const { 'routed-from': spec } = options
    if (spec === undefined) throw new Error('there is no such option')
    const read = (...texts: string[]) => {
      const flags = new Map(texts.length === 0 ? [] : [['routed-from', texts]])
      return loadOptions({ 'routed-from': spec }, { program: 'seed-server', flags, environment: {} }).values
    }
    t.strictSame(read(), { routedFrom: [] })
    t.strictSame(read('10.1.0.0/16,FD00:0::/64', 'br-lan.100', 'a-name-of-15-by', '0.0.0.0/0'), {
      routedFrom: ['10.1.0.0/16', 'fd00::/64', 'br-lan.100', 'a-name-of-15-by', '0.0.0.0/0'],
    })
  }
})

t.test('refuses what no packet can come from, and says where it was named', async (t) => {
  const network = ['--uid', '1', '--pod-network', '10.0.0.0/16']
  for (const [source, problem] of [
    ['10.1.0.1/16', 'CIDR 10.1.0.1/16 has host bits set, expected 10.1.0.0/16, '],
    ['10.1.0.0/33', '.*'],
    ['fd00::%eth0/64', '.*'],
    ['10.1.0.1', 'an address needs its length, '],
    ['fd00::1', 'an address needs its length, '],
    ['eth*', ''],
    ['eth0 accept', ''],
    ['-eth0', ''],
    ['a-name-of-16-byt', ''],
    ['', ''],
  ] as const) {
    const shown = JSON.stringify(source).replace(/[*.]/g, '\\$&')
    const message = new RegExp(
      `^--routed-from ${shown} \\(command line\\): ${problem}expected ADDRESS/LENGTH without host bits, or an interface name of at most 15 characters$`,
    )
    await t.rejects(
      runSetup([...network, '--routed-from', `wg0,${source}`]),
      { code: 'ERR_USAGE', message },
      source,
    )
  }
  await t.rejects(runSetup(network, { SEED_SERVER_ROUTED_FROM: 'eth0,eth/1' }), {
    code: 'ERR_USAGE',
    message: /^--routed-from "eth\/1" \(environment SEED_SERVER_ROUTED_FROM\): /,
  })
})

t.test('refuses networks that WELCOME cannot carry', async (t) => {
  const apart = Array.from({ length: 257 }, (_, index) => `10.${index >> 7}.${(index & 127) * 2}.0/24`)
  await t.rejects(runSetup(['--uid', '1', '--service-network', apart.join(',')]), {
    code: 'ERR_USAGE',
    message: /^--service-network .*: 257 networks exceed the 256 that can be announced$/,
  })
})
