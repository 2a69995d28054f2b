import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { copyPackage, type PackageCopy } from './support/package-copy.js'

const { PATH = '' } = process.env

interface BuildResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function build({ directory }: PackageCopy, env: NodeJS.ProcessEnv, node = process.execPath): BuildResult {
  return spawnSync(node, [join(directory, 'scripts', 'build-native.mjs')], {
    cwd: directory,
    env,
    encoding: 'utf8',
  })
}

/** A PATH with these commands only. */
function pathWith(t: Test, commands: readonly string[]): string {
  const bin = mkdtempSync(join(tmpdir(), 'node-tun-path-'))
  t.teardown(() => rmSync(bin, { recursive: true }))
  for (const command of commands) symlinkSync('/bin/true', join(bin, command))
  return bin
}

test('builds without a home directory, and again only when a source is newer', async (t) => {
  using copy = copyPackage()
  const output = join(copy.directory, 'build', 'Release', 'tun.node')
  const first = build(copy, { PATH })
  t.match(first, { status: 0, stdout: 'node-tun: built build/Release/tun.node\n', stderr: '' })
  t.ok(existsSync(output))
  const nothing = 'node-tun: build/Release/tun.node is newer than its sources, nothing to do\n'
  t.match(build(copy, { PATH, HOME: '' }), { status: 0, stdout: nothing, stderr: '' })
  utimesSync(output, 0, 0)
  t.match(build(copy, { PATH, HOME: '' }), { status: 0, stdout: 'node-tun: built build/Release/tun.node\n' })
})

test('says in one line what is missing and how to get it', async (t) => {
  using copy = copyPackage()
  const missing: [string, string][] = [
    ['make,python3', 'node-tun: cannot build, missing cc: apt-get install build-essential\n'],
    ['cc,python3', 'node-tun: cannot build, missing make: apt-get install build-essential\n'],
    ['cc,make', 'node-tun: cannot build, missing python3: apt-get install python3\n'],
  ]
  for (const [present, line] of missing) {
    const result = build(copy, { PATH: pathWith(t, present.split(',')) })
    t.match(result, { status: 2, stdout: '', stderr: line }, present)
  }
  t.match(build(copy, { PATH, CC: 'no-such-cc -m64' }), { status: 2, stderr: /missing no-such-cc: / })
})

test('says which header is missing beside a node that came without', async (t) => {
  using copy = copyPackage()
  const prefix = mkdtempSync(join(tmpdir(), 'node-tun-prefix-'))
  t.teardown(() => rmSync(prefix, { recursive: true }))
  mkdirSync(join(prefix, 'bin'))
  const script = `process.execPath = ${JSON.stringify(join(prefix, 'bin', 'node'))}; await import(process.argv[1])`
  const arguments_ = [
    '--input-type=module',
    '-e',
    script,
    join(copy.directory, 'scripts', 'build-native.mjs'),
  ]
  const result = spawnSync(process.execPath, arguments_, { encoding: 'utf8' })
  t.equal(result.status, 2)
  t.equal(result.stderr.split('\n').length, 2, 'one line')
  t.ok(
    result.stderr.startsWith(`node-tun: cannot build, missing ${prefix}/include/node/node_api.h: install `),
  )
})
