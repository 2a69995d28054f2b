// Makes this machine ready: `node scripts/prepare.mjs unit` for building and unit tests (no root needed when a compiler is
// there), `lab` for everything with network namespaces (root), `all` for container images too, `kubernetes` for the tests with
// Kubernetes. Does only what is not done yet. Exit code 2 and one line: something is missing that it can't bring.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKAGE_GROUPS } from './lib/debian-packages.mjs'
import { installModules } from './lib/install-modules.mjs'
import { installPackages } from './lib/install-packages.mjs'
import { MissingPiece } from './lib/missing-piece.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const MIN_NODE = [20, 19]

function main(mode) {
  if (!(mode in PACKAGE_GROUPS)) {
    throw new MissingPiece(
      `which mode? One of ${Object.keys(PACKAGE_GROUPS).join(', ')}; not ${mode ?? 'none'}`,
    )
  }
  checkPlatform()
  if (mode !== 'unit') checkLabRights()
  installPackages(mode, say)
  if (mode !== 'unit') checkNamespaces()
  const env = environment()
  installModules(root, env, say)
  build(env)
}

function checkPlatform() {
  if (process.platform !== 'linux')
    throw new MissingPiece(`needs Linux, this is ${process.platform}: use a Linux machine`)
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
    throw new MissingPiece(
      `needs Node.js ${MIN_NODE.join('.')} or newer, this is ${process.versions.node}: see nodejs.org`,
    )
  }
}

function checkLabRights() {
  if (process.getuid() !== 0) {
    throw new MissingPiece(
      'the lab needs root for network namespaces: run it with sudo, or only `npm run test:unit`',
    )
  }
  if (!existsSync('/dev/net/tun')) {
    throw new MissingPiece('no /dev/net/tun: run `modprobe tun`, or give the container --device /dev/net/tun')
  }
}

function checkNamespaces() {
  const { status } = spawnSync('unshare', ['--net', '--mount', 'true'], { stdio: 'ignore' })
  if (status === 0) return
  throw new MissingPiece(
    'may not make network namespaces: give the container --privileged, or CAP_SYS_ADMIN and CAP_NET_ADMIN',
  )
}

/** npm and node-gyp want a home directory; where there is none they get one of their own. */
function environment() {
  if (process.env.HOME) return process.env
  const home = join(root, '.prepared', 'home')
  mkdirSync(home, { recursive: true })
  return { ...process.env, HOME: home }
}

function build(env) {
  const native = join(root, 'packages', 'node-tun', 'scripts', 'build-native.mjs')
  run(process.execPath, [native], env, 'the native addon does not build')
  const wanLink = join(root, 'test', 'lab', 'wan', 'build-wan-link.mjs')
  run(process.execPath, [wanLink], env, 'the link emulator of the lab does not build')
  run(join(root, 'node_modules', '.bin', 'tsc'), ['-b'], env, 'the sources do not compile')
}

function run(command, args, env, failure) {
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
  // 2 from a script of ours: it has said in one line what is missing.
  if (status === 2 && args[0]?.endsWith('.mjs')) process.exit(2)
  if (status !== 0) {
    console.error(`prepare: ${failure}`)
    process.exit(1)
  }
}

function say(text) {
  console.log(`prepare: ${text}`)
}

try {
  main(process.argv[2])
} catch (error) {
  if (!(error instanceof MissingPiece)) throw error
  console.error(`prepare: ${error.message}`)
  process.exitCode = 2
}
