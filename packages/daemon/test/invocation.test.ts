import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  boolean,
  defineCommand,
  defineDaemon,
  defineOptions,
  duration,
  endpoint,
  filePath,
  integer,
} from '@reversed-vpn/daemon'
import { type ConfigSource, readInvocation } from '@reversed-vpn/daemon/testing'
import { pino } from 'pino'
import t, { type Test } from 'tap'

const OPTIONS = defineOptions({
  listen: { kind: endpoint(), default: '[::]:1194', description: 'tunnel listener', group: 'Tunnel' },
  'pod-network': { kind: filePath(), list: true, description: 'networks', group: 'Tunnel' },
  keepalive: { kind: duration(), default: '5s', description: 'keepalive' },
  offload: { kind: boolean(), default: 'true', description: 'offload' },
})
const SETUP_OPTIONS = defineOptions({ uid: { kind: integer(0, 9), required: true, description: 'owner' } })

/** What `start` or the command's `run` is given for a command line. */
async function optionsOf(argv: string[], environment: Record<string, string> = {}): Promise<unknown> {
  let seen: unknown
  const daemon = defineDaemon({
    name: 'seed-server',
    version: '0.1.0',
    description: 'Listens.',
    options: OPTIONS,
    commands: [
      defineCommand({
        name: 'setup',
        description: 'Prepares.',
        options: SETUP_OPTIONS,
        ignored: { keepalive: OPTIONS.keepalive },
        run(options) {
          seen = { setup: options }
        },
      }),
    ],
    start(options) {
      seen = options
      return {}
    },
  })
  const invocation = readInvocation(daemon, argv, environment)
  if (invocation.type === 'print') return invocation.text
  await invocation.loaded.start({
    name: daemon.name,
    version: daemon.version,
    log: pino({ enabled: false }),
    droppedLines: () => 0,
    signal: new AbortController().signal,
    defer: () => undefined,
    fail: () => undefined,
    explain: (text) => text,
    setTrouble: () => undefined,
  })
  return { ...(seen as object), logger: invocation.logger }
}

function configFile(t: Test, text: string): string {
  const path = join(t.testdir({}), 'config.yaml')
  writeFileSync(path, text)
  return path
}

t.test('flags reach the daemon as values', async (t) => {
  const options = await optionsOf([
    '--listen',
    '127.0.0.1:1',
    '--pod-network=a',
    '--pod-network',
    'b,c',
    '--no-offload',
  ])
  t.match(options, {
    listen: { host: '127.0.0.1', port: 1 },
    podNetwork: ['a', 'b', 'c'],
    keepaliveMs: 5000,
    offload: false,
    logger: { name: 'seed-server', level: 'info', format: 'json' },
  })
})

t.test('options of the file are taken anew, and told apart from those at start', async (t) => {
  const path = configFile(t, 'pod-network: [a]\nkeepalive: 3s')
  let config: ConfigSource<{ readonly podNetwork: readonly string[] }> | undefined
  const daemon = defineDaemon({
    name: 'seed-server',
    version: '0.1.0',
    description: 'Listens.',
    options: OPTIONS,
    start: (_, context) => {
      config = context.config
      return {}
    },
  })
  const argv = ['--listen', '127.0.0.1:1', '--config', path, '--keepalive', '2s']
  const invocation = readInvocation(daemon, argv, {})
  if (invocation.type === 'print') throw new Error(invocation.text)
  await invocation.loaded.start({
    name: daemon.name,
    version: daemon.version,
    log: pino({ enabled: false }),
    droppedLines: () => 0,
    signal: new AbortController().signal,
    defer: () => undefined,
    fail: () => undefined,
    explain: (text) => text,
    setTrouble: () => undefined,
  })
  t.equal(config?.path, path)
  t.same(config?.reread().changed, [])
  writeFileSync(path, 'pod-network: [a, b]\nkeepalive: 4s')
  t.match(config?.reread(), { values: { podNetwork: ['a', 'b'] }, changed: ['pod-network'] })
  t.match(config?.reread().optionError('pod-network', 'is odd').message, /"a,b" \(.*config\.yaml:1\): is odd/)
  writeFileSync(path, 'pod-networks: [a]')
  t.throws(() => config?.reread(), { message: /config\.yaml:1: unknown key/ })
})

t.test('a subcommand has options of its own', async (t) => {
  t.match(await optionsOf(['setup', '--uid', '3', '--log-level', 'debug']), {
    setup: { uid: 3 },
    logger: { level: 'debug' },
  })
  t.match(await optionsOf(['setup'], { SEED_SERVER_UID: '4' }), { setup: { uid: 4 } })
  await t.rejects(optionsOf(['setup']), {
    message: '--uid (or SEED_SERVER_UID) is not given, expected an integer of 0–9',
  })
  await t.rejects(optionsOf(['--keepalive', '1s', 'setup', '--uid', '3']), {
    message: '--keepalive stands before setup, expected after it',
  })
})

t.test('a subcommand takes what it ignores without a look', async (t) => {
  t.strictSame(await optionsOf(['setup', '--uid', '3', '--keepalive', 'ever']), {
    setup: { uid: 3 },
    logger: { name: 'seed-server', level: 'info', format: 'json' },
  })
  t.notMatch(await optionsOf(['setup', '--help']), '--keepalive')
  await t.rejects(optionsOf(['setup', '--uid', '3', '--listen', 'x']), {
    message: /^unknown option '--listen'/,
  })
})

t.test('the command line names what it does not know', async (t) => {
  const unknown = [
    [['--lisen', 'x'], "'--lisen', did you mean --listen?"],
    [['--network', 'x'], "'--network'"],
    [['--pod-networks', 'x'], "'--pod-networks', did you mean --pod-network?"],
    [['--listen-address', 'x'], "'--listen-address', did you mean --listen?"],
    [['--no-offlod'], "'--no-offlod', did you mean --no-offload?"],
    [['setup', '--uids', '3'], "'--uids', did you mean --uid?"],
    [['setup', '--lisen', '3'], "'--lisen'"],
    [['--log-lvel=debug'], "'--log-lvel', did you mean --log-level?"],
    [['-x'], "'-x'"],
  ] as const
  for (const [argv, message] of unknown)
    await t.rejects(optionsOf([...argv]), { code: 'ERR_USAGE', message: `unknown option ${message}` })
  await t.rejects(optionsOf(['--listen']), { message: "option '--listen <HOST:PORT>' argument missing" })
  await t.rejects(optionsOf(['stray']), { message: 'unexpected argument "stray", expected options, setup' })
  await t.rejects(optionsOf(['setup', '--uid', '3', 'stray']), { message: /"stray"/ })
})

t.test('the help shows groups, placeholders, defaults and environment twins', async (t) => {
  const help = String(await optionsOf(['--help']))
  t.match(
    help,
    /^Tunnel:\n {2}--listen <HOST:PORT> +tunnel listener \(default: \[::\]:1194; env: SEED_SERVER_LISTEN\)$/m,
  )
  t.match(help, /--pod-network <FILE> +networks \(repeatable;/)
  t.match(help, /--offload +offload \(off: --no-offload; default: true;/)
  t.match(help, /^Process:\n {2}--config <FILE>/m)
  t.match(help, /^ {2}setup /m)
  t.match(String(await optionsOf(['setup', '--help'])), /--uid <N> +owner \(required; env: SEED_SERVER_UID\)/)
  t.equal(await optionsOf(['--version']), '0.1.0\n')
})

t.test('a configuration file stands below the environment and above the defaults', async (t) => {
  const config = configFile(
    t,
    '# comment\nlisten: "[::1]:7"\npod-network: [a, "b,c"]\nkeepalive: 9s\noffload: false\nlog-level: warn\nuid: 5\n',
  )
  t.match(await optionsOf(['--config', config], { SEED_SERVER_KEEPALIVE: '8s' }), {
    listen: { host: '::1', port: 7 },
    podNetwork: ['a', 'b,c'],
    keepaliveMs: 8000,
    offload: false,
    logger: { level: 'warn' },
  })
  t.match(
    await optionsOf(['setup'], { SEED_SERVER_CONFIG: config }),
    { setup: { uid: 5 } },
    'shared by the subcommand',
  )
})

t.test('a list in a file may be one scalar with commas, and an empty file is fine', async (t) => {
  t.match(await optionsOf(['--config', configFile(t, 'pod-network: a,b\n')]), { podNetwork: ['a', 'b'] })
  t.match(await optionsOf(['--config', configFile(t, '')]), { keepaliveMs: 5000 })
})

t.test('a mistake in a file is named with file and line', async (t) => {
  const cases: [text: string, message: string][] = [
    [
      'keepalive: 5s\ncolour: x\n',
      ':2: unknown key "colour", expected listen, pod-network, keepalive, offload, uid',
    ],
    ['keepalive: 5s\nlisen: x\n', ':2: unknown key "lisen", did you mean listen?'],
    ['config: other.yaml\n', ':1: unknown key "config"'],
    ['listen: [::]:1194\n', ':1: '],
    ['\nlisten: a: b\n', ':2: '],
    ['- listen\n', ':1: expected a YAML mapping of option names'],
    ['keepalive:\n', ':1: keepalive: expected a value or a sequence of values'],
    ['keepalive: {a: b}\n', ':1: keepalive: expected a value or a sequence of values'],
    ['keepalive: 5s\nkeepalive: 6s\n', ':2: '],
  ]
  for (const [text, message] of cases) {
    const config = configFile(t, text)
    const error = await optionsOf(['--config', config]).catch((reason: unknown) => reason)
    t.match(error, { code: 'ERR_USAGE' }, text)
    t.ok(String((error as Error).message).startsWith(`${config}${message}`), String(error))
    t.notMatch((error as Error).message, '\n', 'one line')
  }
})

t.test('a bad value in a file is named with file and line', async (t) => {
  const config = configFile(t, '\nkeepalive: 5\n')
  await t.rejects(optionsOf(['--config', config]), {
    message: `--keepalive "5" (${config}:2): expected a duration such as 100ms, 20s or 2m, between 0s and 596h`,
  })
  const sequence = configFile(t, 'keepalive: [5s]\n')
  await t.rejects(optionsOf(['--config', sequence]), {
    message: `--keepalive (${sequence}:1): expected one value, not a sequence`,
  })
})

t.test("a file that cannot be read is the machine's doing", async (t) => {
  await t.rejects(optionsOf(['--config', '/nonexistent/config.yaml']), {
    code: 'ERR_ENVIRONMENT',
    message: 'cannot read --config "/nonexistent/config.yaml": no such file or directory (ENOENT)',
  })
})
