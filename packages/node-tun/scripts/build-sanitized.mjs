// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer, in a copy of the package in build/sanitized: the normal
// build stays as it is, and tests run from the copy (dist-test) load the copy's addon. Any further arguments are C files that
// are built instead of native/*.c. Prints what has to be in LD_PRELOAD.
// Exit code 0: built. 1: the compiler refused. 2: something that is needed is not there.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const packageDirectory = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const copy = join(packageDirectory, 'build', 'sanitized')
const output = join(copy, 'build', 'Release', 'tun.node')
const [compiler, ...compilerFlags] = (process.env.CC ?? 'cc').split(' ')
const headers = join(dirname(process.execPath), '..', 'include', 'node')

const FLAGS = [
  ...['-std=c11', '-D_GNU_SOURCE', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'],
  ...['-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror', '-fPIC', '-shared', '-fvisibility=hidden'],
  ...['-O1', '-g', '-fno-omit-frame-pointer'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
]

/** Where the compiler has its AddressSanitizer, which must be loaded before node; undefined when it has none. */
function findRuntime() {
  for (const name of ['libasan.so', `libclang_rt.asan-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so`]) {
    const { stdout } = spawnSync(compiler, [...compilerFlags, `-print-file-name=${name}`], {
      encoding: 'utf8',
    })
    const file = stdout?.trim() ?? ''
    if (isAbsolute(file) && existsSync(file)) return file
  }
  return undefined
}

function main(files) {
  const runtime = findRuntime()
  if (runtime === undefined) {
    console.error(
      `node-tun: cannot build with sanitizers, ${compiler} has no libasan.so: apt-get install gcc libc6-dev`,
    )
    return 2
  }
  if (!existsSync(join(headers, 'node_api.h'))) {
    console.error(`node-tun: cannot build with sanitizers, missing ${join(headers, 'node_api.h')}`)
    return 2
  }
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(dirname(output), { recursive: true })
  for (const part of ['dist', 'dist-test', 'package.json']) {
    cpSync(join(packageDirectory, part), join(copy, part), { recursive: true })
  }
  const native = join(packageDirectory, 'native')
  const own = readdirSync(native).filter((name) => name.endsWith('.c'))
  const sources = files.length > 0 ? files : own.map((name) => join(native, name))
  const { status, stdout, stderr, error } = spawnSync(
    compiler,
    [...compilerFlags, ...FLAGS, `-I${headers}`, `-I${native}`, ...sources, '-o', output],
    { encoding: 'utf8' },
  )
  if (status !== 0) {
    console.error(
      `${stdout ?? ''}${stderr ?? ''}node-tun: build with sanitizers failed${error ? `: ${error.message}` : ''}`,
    )
    return 1
  }
  console.log(runtime)
  return 0
}

process.exitCode = main(process.argv.slice(2))
