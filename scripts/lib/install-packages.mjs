import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { DEBIAN_PACKAGES, PACKAGE_GROUPS } from './debian-packages.mjs'
import { MissingPiece } from './missing-piece.mjs'

const POLICY_FILE = '/usr/sbin/policy-rc.d'
// Not in everybody's PATH, and where Debian puts half of what we need.
const SYSTEM_DIRS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin']

/** Installs what the mode wants and is not there; touches nothing when all of it is. */
export function installPackages(mode, say) {
  const missing = PACKAGE_GROUPS[mode]
    .flatMap((group) => DEBIAN_PACKAGES[group])
    .filter(([, sign]) => !isThere(sign))
    .map(([name]) => name)
  if (missing.length === 0) return
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`
  if (!isThere('apt-get'))
    throw new MissingPiece(`no apt-get here; install what Debian calls ${missing.join(' ')}`)
  if (process.getuid() !== 0) throw new MissingPiece(`missing packages, and this is not root: run ${command}`)
  say(command)
  withoutServerStarts(() => {
    apt(['update', '-q'])
    apt(['install', '-q', '-y', '--no-install-recommends', ...missing])
  })
}

export function isThere(sign) {
  if (sign.startsWith('/')) return existsSync(sign)
  const dirs = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_DIRS]
  return dirs.some((dir) => dir !== '' && existsSync(join(dir, sign)))
}

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new MissingPiece(`apt-get ${args.join(' ')} failed: see its messages above`)
}

/** Debian starts the servers it installs unless this file forbids it. One that is there already stays as it is. */
function withoutServerStarts(work) {
  try {
    writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 })
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    work()
    return
  }
  const remove = () => rmSync(POLICY_FILE, { force: true })
  const onSignal = (signal) => {
    remove()
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  }
  process.once('exit', remove)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, onSignal)
  try {
    work()
  } finally {
    remove()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, onSignal)
    process.off('exit', remove)
  }
}
