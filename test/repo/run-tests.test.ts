import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from '../lab/index.js'
import { makeTree } from './made-up-tree.js'
import { REPOSITORY } from './source-tree.js'

const GOOD = "t.test('good', (t) => { t.ok(true); t.ok(true); t.end() })"

interface Case {
  readonly title: string
  /** The compiled test, after the line that imports tap. */
  readonly code: string
  readonly lastLine: string
  readonly says?: RegExp
}

const cases: readonly Case[] = [
  { title: 'two assertions that hold', code: GOOD, lastLine: '2 passed, 0 failed' },
  {
    title: 'one that fails',
    code: `${GOOD}\nt.ok(false, 'bad')`,
    lastLine: '2 passed, 1 failed',
    says: /FAILED.*bad/,
  },
  {
    title: 'a skipped test',
    code: `${GOOD}\nt.test('left out', { skip: 'no root' }, (t) => t.end())`,
    lastLine: '2 passed, 1 failed',
    says: /skipped: .*left out/,
  },
  {
    title: 'an unfinished test',
    code: `${GOOD}\nt.test('some day', { todo: true }, (t) => t.end())`,
    lastLine: '2 passed, 1 failed',
    says: /not finished: .*some day/,
  },
  { title: 'a file without assertions', code: '', lastLine: '0 passed, 1 failed' },
  {
    title: 'an exception',
    code: `${GOOD}\nthrow new Error('thrown')`,
    lastLine: '2 passed, 1 failed',
    says: /thrown/,
  },
  {
    title: 'a bad exit after good assertions',
    code: `${GOOD}\nt.teardown(() => process.on('exit', () => { process.exitCode = 3 }))`,
    lastLine: '2 passed, 1 failed',
    says: /ended with 3/,
  },
  {
    title: 'a process that outlives its test',
    code: `${GOOD}\nconst { spawn } = await import('node:child_process')
const left = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })\nleft.unref()`,
    lastLine: '2 passed, 1 failed',
    says: /left behind: process \d+: sleep 60/,
  },
  {
    title: 'a namespace, a TUN link and a firewall table that stay',
    code: `${GOOD}
const { execFileSync } = await import('node:child_process')
execFileSync('sh', ['-c', 'ip netns add stays; ip tuntap add stays0 mode tun; nft add table inet stays'])`,
    lastLine: '2 passed, 3 failed',
    says: /network namespace stays\nleft behind: TUN link stays0\nleft behind: nftables table inet stays\n/,
  },
]

for (const { title, code, lastLine, says } of cases) {
  t.test(`counts ${title}`, async (t) => {
    const root = repositoryWith(t.testdir(), {
      'packages/a/test/deep/a.test.ts': '',
      'packages/a/dist-test/deep/a.test.js': `import t from 'tap'\n${code}\n`,
    })
    const { stdout, stderr, code: exitCode } = await runTests(root)
    t.equal(stdout.trimEnd().split('\n').at(-1), lastLine, stdout + stderr)
    t.equal(exitCode, lastLine.endsWith(' 0 failed') ? 0 : 1)
    if (says !== undefined) t.match(stdout, says)
    const [, left] = /left behind: process (\d+)/.exec(stdout) ?? []
    if (left !== undefined) process.kill(Number(left))
  })
}

t.test(
  'fails when there is no test, or one that is not compiled, and runs none whose source is gone',
  async (t) => {
    const gone = { 'packages/a/dist-test/gone.test.js': "import t from 'tap'\nt.ok(true)\n" }
    const empty = await runTests(repositoryWith(t.testdir(), { ...gone, 'packages/a/package.json': '{}' }))
    t.match(empty, { stdout: /there is no test\n0 passed, 1 failed\n$/, code: 1 })

    const root = repositoryWith(t.testdir({}), { ...gone, 'packages/a/test/new.test.ts': '' })
    t.match(await runTests(root), { stdout: /not compiled.*new\.test\.js\n0 passed, 1 failed\n$/, code: 1 })
  },
)

t.test('runs the tests with real clusters in a mode of their own, and nothing else there', async (t) => {
  const root = repositoryWith(t.testdir(), {
    'test/kubernetes/a.test.ts': '',
    'test/dist/kubernetes/a.test.js': `import t from 'tap'\n${GOOD}\n`,
    'packages/a/test/not-compiled.test.ts': '',
  })
  t.match(await runTests(root, 'kubernetes'), { stdout: /\n2 passed, 0 failed\n$/, code: 0 })
})

t.test('refuses an unknown mode', async (t) => {
  t.equal((await runTests(REPOSITORY, 'fast')).code, 2)
})

t.test('prepare says in one line what it lacks, and ends with 2', async (t) => {
  const script = join(REPOSITORY, 'scripts/prepare.mjs')
  const unknown = await runCommand(process.execPath, [script, 'everything'])
  t.match(unknown, { stdout: '', stderr: /^prepare: .*everything\n$/, code: 2 })

  const hide = 'mount -t tmpfs none /dev/net && exec "$@"'
  const args = ['--mount', 'sh', '-c', hide, 'sh', process.execPath, script, 'lab']
  t.match(await runCommand('unshare', args), {
    stdout: '',
    stderr: /^prepare: no \/dev\/net\/tun: .*\n$/,
    code: 2,
  })
})

/** The scripts of this repository over packages of our own making. */
function repositoryWith(root: string, files: Readonly<Record<string, string>>): string {
  cpSync(join(REPOSITORY, 'scripts'), join(root, 'scripts'), { recursive: true })
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
  return makeTree(root, { 'package.json': '{ "type": "module" }', ...files })
}

/** In a network namespace and a `/run/netns` of its own, where nobody else's tests come and go. */
function runTests(root: string, mode = 'unit') {
  const env = { TAP: undefined, TAP_CHILD_ID: undefined, TAP_TIMEOUT: undefined }
  const hide = 'mkdir -p /run/netns && mount -t tmpfs none /run/netns && exec "$@"'
  const command = [process.execPath, join(root, 'scripts/run-tests.mjs'), mode]
  return runCommand('unshare', ['--net', '--mount', 'sh', '-c', hide, 'sh', ...command], { env })
}
