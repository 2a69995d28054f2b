import { spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { createServer } from 'node:net'
import { listenOn } from '@reversed-vpn/daemon'
import t from 'tap'
import { TOY_DAEMON, ToyProcess } from './toy-process.js'

/** Which steps were disposed, in their order. */
function disposed(toy: ToyProcess): unknown[] {
  return toy.lines.filter((line) => line.msg === 'disposed').map((line) => line.step)
}

t.test('a signal stops gracefully, then undoes in reverse, and exits with 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const toy = new ToyProcess(t, ['--drain-timeout', '3s'])
    t.match(await toy.logged('started'), { version: '1.2.3', name: 'toy-daemon', verbose: false })
    toy.kill(signal)
    t.same(await toy.ended(), { code: 0, signal: null, stderr: '' })
    t.match(await toy.logged('stopping'), { signal })
    t.match(await toy.logged('draining'), { deadlineMs: 3000 })
    t.same(disposed(toy), ['second', 'first'])
  }
})

t.test('a second signal exits at once with 128 + n', async (t) => {
  const toy = new ToyProcess(t, ['--stop', 'hangs', '--drain-timeout', '1m'])
  await toy.logged('started')
  toy.kill('SIGTERM')
  await toy.logged('draining')
  toy.kill('SIGINT')
  t.match(await toy.ended(), { code: 130 })
  t.same(disposed(toy), [])
})

t.test('a stop that hangs is given up after its deadline, and what was made is undone', async (t) => {
  const toy = new ToyProcess(t, ['--stop', 'hangs', '--drain-timeout', '50ms'])
  await toy.logged('started')
  toy.kill('SIGTERM')
  t.match(await toy.ended(), { code: 0 })
  t.match(await toy.logged('not stopped in time, going on to cleanup'), { level: 'warn', deadlineMs: 50 })
  t.same(disposed(toy), ['second', 'first'])
})

t.test('a stop or a step of the cleanup that fails is logged and holds up nothing', async (t) => {
  const toy = new ToyProcess(t, ['--stop', 'throws', '--cleanup', 'throws'])
  await toy.logged('started')
  toy.kill('SIGTERM')
  t.match(await toy.ended(), { code: 1, stderr: '' })
  t.match(await toy.logged('stop failed'), { err: { message: 'stop broke' } })
  t.match(await toy.logged('cleanup failed'), { step: 'first', err: { message: 'cannot clean up' } })
})

t.test('bad options are one line on stderr and exit code 2', async (t) => {
  const cases: [string[], Record<string, string>, string][] = [
    [
      ['--drain-timeout', '2h'],
      {},
      '--drain-timeout "2h" (command line): expected a duration such as 100ms, 20s or 2m, between 0s and 1m',
    ],
    [[], { TOY_DAEMON_START: 'maybe' }, '--start "maybe" (environment TOY_DAEMON_START): expected one of '],
    [['--start', 'rejects-option'], {}, '--drain-timeout "10s" (default): is not to my liking'],
    [['--no-such'], {}, "unknown option '--no-such'"],
  ]
  for (const [args, environment, message] of cases) {
    const { code, stderr } = await new ToyProcess(t, args, environment).ended()
    t.equal(code, 2, args.join(' '))
    t.ok(stderr.startsWith(`toy-daemon: ${message}`), stderr)
    t.match(stderr, /^[^\n]+\n$/, 'one line')
  }
})

t.test(
  'a port in use at start is one line on stderr and exit code 1, and nothing stays behind',
  async (t) => {
    const holder = createServer()
    t.teardown(() => holder.close())
    const held = await listenOn(holder, { type: 'tcp', host: '127.0.0.1', port: 0 })
    const address = `127.0.0.1:${held.type === 'tcp' ? held.port : ''}`
    for (const [flag, steps] of [
      ['--listen', ['first']],
      ['--admin-listen', ['second', 'first']],
    ] as const) {
      const toy = new ToyProcess(t, [flag, address])
      t.same(await toy.ended(), {
        code: 1,
        signal: null,
        stderr: `toy-daemon: cannot listen on ${address}: address already in use (EADDRINUSE)\n`,
      })
      t.same(disposed(toy), steps)
    }
  },
)

t.test('a bug at start is one fatal log line with its stack and exit code 1', async (t) => {
  const toy = new ToyProcess(t, ['--start', 'throws'])
  t.same(await toy.ended(), { code: 1, signal: null, stderr: '' })
  t.match(await toy.logged('start failed'), {
    level: 'fatal',
    err: { message: 'start broke', stack: /toy-daemon/ },
  })
  t.same(disposed(toy), ['second', 'first'])
})

t.test('a signal cuts a start short', async (t) => {
  const toy = new ToyProcess(t, ['--start', 'hangs'])
  await toy.logged('start hangs')
  toy.kill('SIGTERM')
  t.match(await toy.ended(), { code: 0, stderr: '' })
  t.match(await toy.logged('start interrupted'), { err: { message: 'start given up' } })
  t.notOk(toy.messages.includes('started'))
  t.same(disposed(toy), ['second', 'first'])
})

t.test('SIGHUP reloads, and a reload that fails leaves the daemon running', async (t) => {
  const toy = new ToyProcess(t, [])
  await toy.logged('started')
  toy.kill('SIGHUP')
  t.ok(await toy.logged('reloaded'))
  toy.kill('SIGTERM')
  t.match(await toy.ended(), { code: 0 })

  const failing = new ToyProcess(t, ['--reload', 'throws'])
  await failing.logged('started')
  failing.kill('SIGHUP')
  t.match(await failing.logged('reload failed, going on as before'), { level: 'error' })
  failing.kill('SIGTERM')
  t.match(await failing.ended(), { code: 0 })
})

t.test('a SIGHUP during a reload makes for one more behind it', async (t) => {
  const toy = new ToyProcess(t, ['--reload', 'waits'])
  await toy.logged('started')
  toy.kill('SIGHUP')
  await toy.logged('reload begins')
  toy.kill('SIGHUP')
  // Of two pending signals the kernel delivers the lower number first, so the SIGHUP is there before the reload ends.
  toy.kill('SIGUSR2')
  await toy.loggedTimes('reload begins', 2)
  toy.kill('SIGUSR2')
  await toy.loggedTimes('reloaded', 2)
  toy.kill('SIGTERM')
  t.match(await toy.ended(), { code: 0 })
  const round = ['reload begins', 'reload ends', 'reloaded']
  t.same(
    toy.messages.filter((message) => message.startsWith('reload')),
    [...round, ...round],
  )
})

t.test('a signal of others, such as that of a log rotation, is logged and nothing else', async (t) => {
  const toy = new ToyProcess(t, [])
  await toy.logged('started')
  for (const [index, signal] of (['SIGUSR1', 'SIGUSR2'] as const).entries()) {
    toy.kill(signal)
    const line = await toy.loggedTimes('signal ignored, it has no meaning here', index + 1)
    t.match(line, { level: 'warn', signal })
  }
  toy.kill('SIGTERM')
  t.same(await toy.ended(), { code: 0, signal: null, stderr: '' }, 'no debugger is opened')
})

t.test('a crash is one fatal log line, cleaned up after, and exit code 1', async (t) => {
  for (const [crash, message] of [
    ['throw', 'uncaught exception'],
    ['reject', 'unhandled rejection'],
    ['fail', 'failed'],
    ['fail-twice', 'failed'],
  ] as const) {
    const toy = new ToyProcess(t, ['--crash', crash])
    await toy.logged('started')
    toy.kill('SIGHUP')
    t.same(await toy.ended(), { code: 1, signal: null, stderr: '' }, crash)
    t.equal(toy.lines.filter((line) => line.level === 'fatal').length, 1)
    t.match(await toy.logged(message), { level: 'fatal', err: { message: 'crashed on purpose' } })
    t.same(disposed(toy), ['second', 'first'])
  }
})

t.test('a subcommand ends with what it was asked for', async (t) => {
  const done = new ToyProcess(t, ['setup', '--uid', '7'])
  t.match(await done.ended(), { code: 0, stderr: '' })
  t.match(await done.logged('set up'), { uid: 7 })
  t.same(disposed(done), ['scratch'])

  const broken = new ToyProcess(t, ['setup', '--uid', '7', '--outcome', 'throws'])
  t.match(await broken.ended(), { code: 1 })
  t.same(disposed(broken), ['scratch'])

  const interrupted = new ToyProcess(t, ['setup', '--uid', '7', '--outcome', 'hangs'])
  await interrupted.logged('setting up')
  interrupted.kill('SIGTERM')
  t.match(await interrupted.ended(), { code: 143 })
  t.same(disposed(interrupted), ['scratch'])
})

t.test('help and version go to stdout', async (t) => {
  const help = new ToyProcess(t, ['--help'])
  t.same(await help.ended(), { code: 0, signal: null, stderr: '' })
  t.match(help.plainLines[0], 'Usage: toy-daemon')
  const version = new ToyProcess(t, ['--version'])
  t.match(await version.ended(), { code: 0 })
  t.same(version.plainLines, ['1.2.3'])
})

t.test('a reader of the help that leaves early is no failure, and a full disk is one line', async (t) => {
  const left = new ToyProcess(t, ['--help'])
  left.closeStdout()
  t.same(await left.ended(), { code: 0, signal: null, stderr: '' })
  const full = spawnSync(process.execPath, [TOY_DAEMON, '--help'], {
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    encoding: 'utf8',
  })
  t.match(full, { status: 1, stderr: /^toy-daemon: ENOSPC[^\n]*\n$/ })
})

t.test('nobody reading the log does not end the daemon', async (t) => {
  const toy = new ToyProcess(t, [])
  await toy.logged('started')
  toy.closeStdout()
  toy.kill('SIGHUP')
  toy.kill('SIGTERM')
  t.same(await toy.ended(), { code: 0, signal: null, stderr: '' })
})
