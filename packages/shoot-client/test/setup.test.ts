import { createLogger, readInvocation } from '@reversed-vpn/daemon/testing'
import { shootClient } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

/** As the process does it, up to the first thing that needs rights. */
async function runSetup(args: readonly string[], environment: Record<string, string> = {}): Promise<void> {
  const invocation = readInvocation(shootClient, ['setup', ...args], environment)
  if (invocation.type !== 'run') throw new Error('nothing to run')
  await invocation.loaded.start({
    name: shootClient.name,
    version: shootClient.version,
    ...createLogger(invocation.logger),
    signal: new AbortController().signal,
    defer: () => undefined,
    fail: () => undefined,
    explain: (text) => text,
    setTrouble: () => undefined,
  })
}

t.test('the help of setup shows what it looks at, and no flag of the daemon beside', async (t) => {
  const { type, ...rest } = readInvocation(shootClient, ['setup', '--help'], {})
  t.equal(type, 'print')
  const { text } = rest as { text: string }
  for (const flag of ['uid', 'gid', 'undo', 'pod-network', 'vpn-network', 'mtu', 'tun', 'log-level']) {
    t.match(text, new RegExp(`^ +--${flag} `, 'm'))
  }
  t.match(text, /env: SHOOT_CLIENT_UID/)
  t.notMatch(text, /--(tls-cert|keepalive|network-setup)/)
})

t.test('every flag of the daemon is taken, and a stranger is not', async (t) => {
  const flagsOfTheDaemon = Object.entries(shootClient.options).flatMap(([flag, { kind }]) =>
    kind.isSwitch ? [`--${flag}`] : [`--${flag}`, kind.placeholder],
  )
  const known = new Set(Object.keys(shootClient.commands[0]?.options ?? {}))
  const ignored = Object.keys(shootClient.options).filter((flag) => !known.has(flag))
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
  await t.rejects(runSetup([], { SHOOT_CLIENT_UID: 'root' }), { message: /environment SHOOT_CLIENT_UID/ })
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
