import { spawnSync } from 'node:child_process'
import { rateLimited } from '@reversed-vpn/daemon'
import { pino } from 'pino'
import t from 'tap'

/** Runs code with a logger in a process of its own, since it writes to stdout. */
function run(options: string, code: string): string {
  const module = import.meta.resolve('@reversed-vpn/daemon/testing')
  const script = `import { createLogger } from ${JSON.stringify(module)}; const { log } = createLogger(${options}); ${code}`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stdout
}

t.test('writes JSON with a name, a level in words, ISO time and errors under err', async (t) => {
  const line = run(
    "{ name: 'toy', level: 'info', format: 'json' }",
    "log.warn({ err: new Error('no') }, 'odd'); log.debug('x')",
  )
  const fields = JSON.parse(line) as Record<string, unknown>
  t.match(fields, {
    name: 'toy',
    level: 'warn',
    msg: 'odd',
    err: { type: 'Error', message: 'no', stack: /Error: no/ },
  })
  t.match(fields.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.same(Object.keys(fields).sort(), ['err', 'level', 'msg', 'name', 'time'])
})

t.test('the last line before an exit is not lost, in either format', async (t) => {
  for (const format of ['json', 'pretty']) {
    const output = run(
      `{ name: 'toy', level: 'info', format: '${format}' }`,
      "log.fatal('last words'); process.exit(1)",
    )
    t.match(output, 'last words', format)
  }
})

t.test('pretty is for people and starts no thread', async (t) => {
  const code = "log.info({ count: 3 }, 'hello'); console.log(process.getActiveResourcesInfo().join())"
  const output = run("{ name: 'toy', level: 'info', format: 'pretty' }", code)
  t.match(output, /INFO.*\(toy\).*hello\n +count: 3\n/)
  t.notMatch(output, /Worker|MessagePort/)
})

function limited(intervalMs: number) {
  const lines: Record<string, unknown>[] = []
  const log = pino(
    {},
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const clock = { nowMs: 0 }
  return { lines, clock, logLimited: rateLimited(log, intervalMs, () => clock.nowMs) }
}

t.test('repeats are logged once per interval and key, and counted', async (t) => {
  const { lines, clock, logLimited } = limited(1000)
  for (let repeat = 0; repeat < 5; repeat++) logLimited('warn', 'peer-a', { repeat }, 'refused')
  logLimited('info', 'peer-b', {}, 'refused')
  t.equal(lines.length, 2)
  t.match(lines[0], { level: 40, repeat: 0, msg: 'refused' })
  t.notOk('suppressed' in (lines[0] ?? {}))
  clock.nowMs = 999
  logLimited('warn', 'peer-a', {}, 'refused')
  t.equal(lines.length, 2)
  clock.nowMs = 1000
  logLimited('warn', 'peer-a', {}, 'refused')
  t.match(lines[2], { suppressed: 5 })
  clock.nowMs = 2000
  logLimited('warn', 'peer-a', {}, 'refused')
  t.notOk('suppressed' in (lines[3] ?? {}))
})

t.test('a flood of keys logs up to a limit per interval, the oldest forgotten first', async (t) => {
  const { lines, clock, logLimited } = limited(1000)
  for (let key = 0; key < 1025; key++) logLimited('warn', `peer-${key}`, {}, 'refused')
  t.equal(lines.length, 1024, 'the last one is too many')
  logLimited('warn', 'peer-0', {}, 'refused')
  logLimited('warn', 'peer-1', {}, 'refused')
  t.equal(lines.length, 1024, 'those that were logged are known')
  clock.nowMs = 1000
  logLimited('warn', 'peer-1024', {}, 'refused')
  t.equal(lines.length, 1025, 'there is room again')
  logLimited('warn', 'peer-1', {}, 'refused')
  t.match(lines[1025], { suppressed: 1 }, 'the second oldest is still known')
  logLimited('warn', 'peer-0', {}, 'refused')
  t.notOk('suppressed' in (lines[1026] ?? { suppressed: 1 }), 'the oldest is not')
})
