// Builds build/Release/tun.node from native/ with the headers that lie beside the running node, without a network.
// Exit code 0: built, or nothing to do. 1: the compiler refused. 2: something that is needed is not there.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const packageDirectory = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const output = join(packageDirectory, 'build', 'Release', 'tun.node')
const compiler = process.env.CC ?? 'cc'
const nodePrefix = resolve(dirname(process.execPath), '..')

function sources() {
  const native = join(packageDirectory, 'native')
  const files = readdirSync(native).map((name) => join(native, name))
  return [...files, join(packageDirectory, 'binding.gyp'), fileURLToPath(import.meta.url)]
}

function isUpToDate() {
  if (!existsSync(output)) return false
  const builtMs = statSync(output).mtimeMs
  return sources().every((file) => statSync(file).mtimeMs <= builtMs)
}

function findCommand(name) {
  if (name.includes('/')) return existsSync(name)
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, name)))
}

/** One line about the first thing that is missing and how to get it, or undefined. */
function whatIsMissing() {
  const headers = join(nodePrefix, 'include', 'node')
  for (const header of ['node_api.h', 'uv.h', 'common.gypi']) {
    if (existsSync(join(headers, header))) continue
    return `${join(headers, header)}: install the development package of this node (libnode-dev or the archive of nodejs.org)`
  }
  for (const command of [compiler.split(' ')[0], 'make']) {
    if (!findCommand(command)) return `${command}: apt-get install build-essential`
  }
  if (!findCommand('python3')) return 'python3: apt-get install python3'
  return undefined
}

function findNodeGyp() {
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  } catch {
    return undefined
  }
}

/**
 * node-gyp looks for a home directory even when it needs none, so it gets one inside the build folder, and it would link
 * with the C++ compiler, of which nothing is needed here.
 */
function build(nodeGyp) {
  const home = join(packageDirectory, 'build', 'home')
  mkdirSync(home, { recursive: true })
  return spawnSync(
    process.execPath,
    [
      nodeGyp,
      'configure',
      'build',
      '--nodedir',
      nodePrefix,
      '--devdir',
      home,
      '--release',
      '--loglevel',
      'warn',
    ],
    {
      cwd: packageDirectory,
      env: { ...process.env, CC: compiler, LINK: process.env.LINK ?? compiler, HOME: home },
      encoding: 'utf8',
    },
  )
}

function main() {
  const shown = relative(process.cwd(), output)
  if (isUpToDate()) {
    console.log(`node-tun: ${shown} is newer than its sources, nothing to do`)
    return 0
  }
  const missing =
    process.platform === 'linux' ? whatIsMissing() : 'Linux: there is no TUN device to build for'
  const nodeGyp = findNodeGyp()
  if (missing !== undefined || nodeGyp === undefined) {
    console.error(`node-tun: cannot build, missing ${missing ?? 'node-gyp: npm install'}`)
    return 2
  }
  const result = build(nodeGyp)
  if (result.status !== 0) {
    console.error(`${result.stdout ?? ''}${result.stderr ?? ''}node-tun: build failed`)
    return 1
  }
  console.log(`node-tun: built ${shown}`)
  return 0
}

process.exitCode = main()
