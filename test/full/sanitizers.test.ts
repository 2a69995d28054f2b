import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type CommandResult, runCommand } from '../lab/index.js'

const NODE_TUN = fileURLToPath(new URL('../../../packages/node-tun', import.meta.url))
const BUILD = join(NODE_TUN, 'scripts', 'build-sanitized.mjs')
const SANITIZED = join(NODE_TUN, 'build', 'sanitized')
const CANARY = fileURLToPath(new URL('../../full/support/sanitizer-canary.c', import.meta.url))
const DEADLINE_MS = 300_000

interface SanitizedRun extends CommandResult {
  /** What a sanitizer said. In processes that the run starts they say it to a file, or on standard error and end it. */
  readonly reports: readonly string[]
}

/** Runs node in the copy of the package with the sanitizers' runtime, which has to be there before node is. */
async function runSanitized(
  runtime: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<SanitizedRun> {
  const directory = mkdtempSync(join(tmpdir(), 'sanitized-'))
  try {
    const logPath = `log_path=${join(directory, 'report')}`
    const result = await runCommand(process.execPath, args, {
      cwd: SANITIZED,
      deadlineMs: DEADLINE_MS,
      env: {
        TAP: undefined,
        TAP_CHILD_ID: undefined,
        // Node itself and what it loads leave to the system what lives as long as the process.
        ASAN_OPTIONS: `detect_leaks=0:${logPath}`,
        UBSAN_OPTIONS: `print_stacktrace=1:${logPath}`,
        LD_PRELOAD: runtime,
        ...env,
      },
    })
    const reports = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'))
    const spoken = /^.*(runtime error:|Sanitizer:).*$/m.exec(result.stderr) ?? []
    return { ...result, reports: [...reports, ...spoken.slice(0, 1)] }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Builds the copy of the package that runs with sanitizers; returns their runtime. */
async function build(...files: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await runCommand(process.execPath, [BUILD, ...files], {
    deadlineMs: DEADLINE_MS,
  })
  if (code !== 0) throw new Error(stderr)
  return stdout.trim()
}

function sanitizedTests(): string[] {
  const below = (folder: string) =>
    readdirSync(join(NODE_TUN, 'test', folder)).map((name) => join(folder, name))
  return [...below('root'), 'socket-option.test.ts']
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('dist-test', `${name.slice(0, -'.ts'.length)}.js`))
}

t.teardown(() => rmSync(SANITIZED, { recursive: true, force: true }))

t.test('says in one line that the compiler has no sanitizers', async (t) => {
  const result = await runCommand(process.execPath, [BUILD], { env: { CC: 'true' } })
  t.match(result, { stdout: '', code: 2 })
  t.match(
    result.stderr,
    /^node-tun: cannot build with sanitizers, true has no libasan\.so: apt-get install .*\n$/,
  )
})

t.test('the sanitizers speak when an addon does what it must not', async (t) => {
  const runtime = await build(CANARY)
  const load = ['-e', "require('./build/Release/tun.node')"]
  t.match(await runSanitized(runtime, load), { code: 0, reports: [] }, 'and only then')
  for (const [canary, report] of [
    ['write-beyond', /AddressSanitizer: heap-buffer-overflow/],
    ['overflow', /runtime error: signed integer overflow/],
  ] as const) {
    const { code, reports } = await runSanitized(runtime, load, { CANARY: canary })
    t.not(code, 0)
    t.match(reports.join('\n'), report)
  }
})

t.test(
  'the TUN addon passes its tests without a word from AddressSanitizer and UndefinedBehaviorSanitizer',
  async (t) => {
    const runtime = await build()
    for (const file of sanitizedTests()) {
      const { code, stdout, stderr, reports } = await runSanitized(runtime, ['--enable-source-maps', file])
      t.same(reports, [], `${file}: no report`)
      t.match(stdout, /^# \{ total: (\d+), pass: \1 \}$/m, `${file}: all of it passes`)
      t.equal(code, 0, `${file} ends with 0`)
      if (!t.passing()) t.comment(`${stdout}${stderr}`)
    }
  },
)
