import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'

const MODULE = import.meta.resolve('@reversed-vpn/daemon/testing')
const BEGIN = `import { createLogger } from ${JSON.stringify(MODULE)}
const { log, droppedLines } = createLogger({ name: 'toy', level: 'info', format: 'json' })
const tell = (what) => process.send?.(what)
`
const TEXT = 'x'.repeat(1000)
/** Four times what a process may keep. */
const FLOOD = `for (let n = 0; n < 4000; n++) log.info({ n, text: '${TEXT}' }, 'flood')\n`
/** Longest that the event loop stood still, told once the flood is over. */
const WATCHED_FLOOD = `
let last = performance.now(), worstMs = 0
setInterval(() => { worstMs = Math.max(worstMs, performance.now() - last); last = performance.now() }, 1)
setTimeout(() => { ${FLOOD} setTimeout(() => tell({ worstMs, dropped: droppedLines() }), 200) }, 50)
`

interface Report {
  readonly worstMs: number
  readonly dropped: number
}

function start(t: Test, code: string, stdout: 'pipe' | number) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', BEGIN + code], {
    stdio: ['ignore', stdout, 'inherit', 'ipc'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

function isCalm(t: Test, { worstMs, dropped }: Report): void {
  t.ok(worstMs < 10_000, `the event loop stood still for ${worstMs} ms at most`)
  t.ok(dropped > 1000, `${dropped} lines dropped`)
}

t.test('a pipe that nobody reads holds up nothing, and what was dropped is told when it flows', async (t) => {
  const child = start(t, `${WATCHED_FLOOD}process.on('message', () => log.info('calm again'))`, 'pipe')
  child.stdout?.pause()
  const [report] = (await once(child, 'message')) as [Report]
  isCalm(t, report)
  t.ok(child.stdout)
  if (child.stdout === null) return
  const lines: Record<string, unknown>[] = []
  const reader = createInterface({ input: child.stdout })
  for await (const line of reader) {
    lines.push(JSON.parse(line) as Record<string, unknown>)
    if (lines.at(-1)?.level === 'warn') child.send('go')
    if (lines.at(-1)?.msg === 'calm again') break
  }
  const kept = lines.filter(({ msg }) => msg === 'flood')
  t.same(
    kept.map(({ n }) => n),
    kept.map((_, index) => index),
    'the oldest lines, whole and in order',
  )
  t.ok(kept.length > 1000, `${kept.length} lines waited`)
  t.same(
    lines.slice(kept.length).map(({ msg, dropped }) => ({ msg, dropped })),
    [
      { msg: 'log lines were dropped, stdout did not take them', dropped: report.dropped },
      { msg: 'calm again', dropped: undefined },
    ],
    'told once',
  )
  t.equal(kept.length + report.dropped, 4000)
})

t.test('a full disk holds up nothing', async (t) => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const child = start(t, WATCHED_FLOOD, full)
  const [report] = (await once(child, 'message')) as [Report]
  isCalm(t, report)
})

t.test('a pipe whose reader has gone holds up nothing', async (t) => {
  const child = start(t, WATCHED_FLOOD, 'pipe')
  child.stdout?.destroy()
  const [report] = (await once(child, 'message')) as [Report]
  isCalm(t, report)
})

t.test('a socket that nobody reads holds up nothing', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'log-output-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const server = createServer({ pauseOnConnect: true }).listen(join(directory, 'socket'))
  t.teardown(() => server.close())
  await once(server, 'listening')
  // As the service manager does it: stdout is a stream socket.
  const python = `import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); os.dup2(s.fileno(), 1); os.set_inheritable(1, True)
os.execvp(sys.argv[2], sys.argv[2:])`
  const child = spawn(
    'python3',
    [
      ...['-c', python, join(directory, 'socket')],
      ...[process.execPath, '--input-type=module', '-e', BEGIN + WATCHED_FLOOD],
    ],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  const [report] = (await once(child, 'message')) as [Report]
  isCalm(t, report)
})

t.test(
  'the fatal line of a crash gets out when the reader is behind, and an end waits for nobody',
  async (t) => {
    const behind = start(t, `${FLOOD}log.fatal('last words'); process.exit(3)`, 'pipe')
    const text: string[] = []
    behind.stdout?.on('data', (chunk) => text.push(String(chunk)))
    t.same(await once(behind, 'close'), [3, null])
    const last = text.join('').trimEnd().split('\n').at(-1)
    t.match(JSON.parse(last ?? ''), { level: 'fatal', msg: 'last words' })

    const stuck = start(t, `${FLOOD}log.fatal('last words'); tell('ends'); process.exit(3)`, 'pipe')
    stuck.stdout?.pause()
    await once(stuck, 'message')
    const beginMs = performance.now()
    t.same(await once(stuck, 'exit'), [3, null])
    t.ok(performance.now() - beginMs < 20_000)
  },
)

t.test('other processes that write to the same pipe go on blocking', async (t) => {
  const code = `${BEGIN}log.info('hello'); setTimeout(() => {}, 100)`
  const { stdout, status } = spawnSync(
    'bash',
    [
      ...['-c', '"$0" --input-type=module -e "$1" & sleep 0.5; head -c 300000 /dev/zero; wait'],
      ...[process.execPath, code],
    ],
    { encoding: 'utf8' },
  )
  t.equal(status, 0)
  t.equal(stdout.replace(/[^\0]/g, '').length, 300_000)
})

t.test('a file is written from where it stands, with what others write to it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'log-output-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'log')
  const command = 'exec >"$2"; echo before; "$0" --input-type=module -e "$1"; echo after'
  spawnSync('bash', ['-c', command, process.execPath, `${BEGIN}log.info('between')`, file])
  t.match(readFileSync(file, 'utf8'), /^before\n\{.*"between"\}\nafter\n$/)
})
