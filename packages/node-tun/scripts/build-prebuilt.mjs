// Builds the addon for machines that have no compiler: `build-prebuilt.mjs [TARGET ...]`, all unless some are named, to
// prebuilds/TARGET/tun.node, from where it is loaded if none was built on the machine itself.
// Exit code 0: built. 1: a compiler refused. 2: a target is unknown, or its compiler or the headers are not there.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const packageDirectory = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const native = join(packageDirectory, 'native')
// What is used of them is the same for every processor.
const headers = join(dirname(process.execPath), '..', 'include', 'node')

/** Compilers by their names in Debian: gcc, gcc-aarch64-linux-gnu, musl-tools on an amd64 and on an arm64. */
const COMPILERS = {
  'linux-x64-glibc': 'x86_64-linux-gnu-gcc',
  'linux-arm64-glibc': 'aarch64-linux-gnu-gcc',
  'linux-x64-musl': 'x86_64-linux-musl-gcc',
  'linux-arm64-musl': 'aarch64-linux-musl-gcc',
}
// As in binding.gyp.
const FLAGS = [
  ...['-std=c11', '-O2', '-D_GNU_SOURCE', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'],
  ...[
    '-Wall',
    '-Wextra',
    '-Wno-unused-parameter',
    '-Werror',
    '-fPIC',
    '-shared',
    '-fvisibility=hidden',
    '-s',
  ],
]

function whatIsMissing(target) {
  if (!(target in COMPILERS)) return `target ${target}, expected ${Object.keys(COMPILERS).join(', ')}`
  if (!existsSync(join(headers, 'node_api.h'))) return join(headers, 'node_api.h')
  const { error } = spawnSync(COMPILERS[target], ['--version'])
  return error === undefined ? undefined : `${COMPILERS[target]} for ${target}`
}

/** A compiler for musl sees no header of the machine's: those of the kernel alone are laid before it. */
function kernelHeaders(target) {
  if (!target.endsWith('-musl')) return []
  const folder = join(packageDirectory, 'build', 'kernel-headers', target)
  const machine = target === 'linux-x64-musl' ? 'x86_64' : 'aarch64'
  const folders = { linux: 'linux', 'asm-generic': 'asm-generic', asm: `${machine}-linux-gnu/asm` }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, at] of Object.entries(folders)) symlinkSync(join('/usr/include', at), join(folder, name))
  return ['-idirafter', folder]
}

function build(target) {
  const output = join(packageDirectory, 'prebuilds', target, 'tun.node')
  mkdirSync(dirname(output), { recursive: true })
  const sources = readdirSync(native).filter((name) => name.endsWith('.c'))
  const { status, stdout, stderr } = spawnSync(
    COMPILERS[target],
    [
      ...FLAGS,
      `-I${headers}`,
      ...kernelHeaders(target),
      ...sources.map((name) => join(native, name)),
      '-o',
      output,
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0) console.error(`${stdout}${stderr}node-tun: build of ${target} failed`)
  else console.log(`node-tun: built ${relative(process.cwd(), output)}`)
  return status === 0
}

function main(named) {
  const targets = named.length > 0 ? named : Object.keys(COMPILERS)
  const missing = targets.map(whatIsMissing).find((what) => what !== undefined)
  if (missing !== undefined) {
    console.error(`node-tun: cannot build, missing ${missing}`)
    return 2
  }
  return targets.map(build).every(Boolean) ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
