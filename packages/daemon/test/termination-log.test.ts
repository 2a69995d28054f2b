// What a process leaves behind for whoever asks why it ended, as a kubelet does.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { listenOn } from '@reversed-vpn/daemon'
import t, { type Test } from 'tap'
import { ToyProcess } from './toy-process.js'

const HINT = 'EADDRINUSE=another container of the Deployment toy has the port, see containers[].ports'

function termination(t: Test, config = '') {
  const folder = t.testdir({ 'config.yaml': config })
  const file = join(folder, 'termination-log')
  const read = () => (existsSync(file) ? readFileSync(file, 'utf8') : undefined)
  return {
    config: join(folder, 'config.yaml'),
    file,
    read,
    environment: { TOY_DAEMON_TERMINATION_LOG: file },
  }
}

t.test('a failure before the start is left as the one line that stderr has', async (t) => {
  for (const args of [
    ['--drain-timeout', '2h'],
    ['--no-such'],
    ['--config', '/nowhere/config.yaml'],
    ['--config', 'here'],
    ['--start', 'rejects-option'],
  ]) {
    const { config, environment, read } = termination(t, 'no-such: 1\n')
    const given = args.map((arg) => (arg === 'here' ? config : arg))
    const { code, stderr } = await new ToyProcess(t, given, environment).ended()
    t.match(code, args.includes('/nowhere/config.yaml') ? 1 : 2, args.join(' '))
    t.match(stderr, /^toy-daemon: .*\n$/)
    t.equal(`${read()}\n`, stderr)
  }
})

t.test('an error that holds a text is followed by the hint for it, in a flag or in the file', async (t) => {
  const holder = createServer()
  t.teardown(() => holder.close())
  const held = await listenOn(holder, { type: 'tcp', host: '127.0.0.1', port: 0 })
  const address = `127.0.0.1:${held.type === 'tcp' ? held.port : ''}`
  for (const flags of [
    ['--error-hint', HINT],
    ['--config', 'here'],
  ]) {
    const { config, file, read } = termination(t, `error-hint:\n  - "${HINT}"\n  - ENOENT=not this one\n`)
    const given = flags.map((flag) => (flag === 'here' ? config : flag))
    const toy = new ToyProcess(t, ['--listen', address, '--termination-log', file, ...given])
    const { code, stderr } = await toy.ended()
    t.equal(code, 1)
    const line = `toy-daemon: cannot listen on ${address}: address already in use (EADDRINUSE); ${HINT.slice(11)}`
    t.equal(stderr, `${line}\n`)
    t.equal(read(), line)
  }
})

t.test('a bug and a crash are left in one line, the first that happened', async (t) => {
  for (const [args, crashes, left] of [
    [['--start', 'throws'], false, 'toy-daemon: start failed: start broke'],
    [['--crash', 'throw'], true, 'toy-daemon: uncaught exception: crashed on purpose'],
    [['--crash', 'fail-twice', '--cleanup', 'throws'], true, 'toy-daemon: failed: crashed on purpose'],
  ] as const) {
    const { environment, read } = termination(t)
    const toy = new ToyProcess(t, args, environment)
    if (crashes) {
      await toy.logged('started')
      toy.kill('SIGHUP')
    }
    t.match(await toy.ended(), { code: 1, stderr: '' })
    t.equal(read(), left)
  }
})

t.test('a daemon that is stopped leaves what kept it from its job, and nothing if nothing did', async (t) => {
  for (const [args, left] of [
    [[], undefined],
    [['--trouble', 'no peer, EADDRINUSE'], `toy-daemon: stopped: no peer, EADDRINUSE; ${HINT.slice(11)}`],
  ] as const) {
    const { environment, read } = termination(t)
    const toy = new ToyProcess(t, ['--error-hint', HINT, ...args], environment)
    await toy.logged('started')
    toy.kill('SIGTERM')
    t.match(await toy.ended(), { code: 0, stderr: '' })
    t.equal(read(), left)
  }
})

t.test('a termination log that cannot be written changes nothing, and a long line is cut', async (t) => {
  const { code, stderr } = await new ToyProcess(t, ['--no-such', '--termination-log', '/'], {
    TOY_DAEMON_TERMINATION_LOG: '/nowhere/log',
  }).ended()
  t.match({ code, stderr }, { code: 2, stderr: /^toy-daemon: unknown option '--no-such'.*\n$/ })
  const { environment, read } = termination(t)
  await new ToyProcess(t, ['--config', `/${'x'.repeat(3000)}`], environment).ended()
  t.equal(read()?.length, 1000)
})

t.test('a hint without a text, or without a hint, is refused', async (t) => {
  for (const hint of ['=x', 'x=', 'x']) {
    const { code, stderr } = await new ToyProcess(t, ['--error-hint', hint]).ended()
    t.match({ code, stderr }, { code: 2, stderr: /--error-hint ".*" .*expected TEXT=HINT/ })
  }
})
