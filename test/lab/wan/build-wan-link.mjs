// Compiles wan-link.c to test/build/wan-link. Exit code 0: built, or nothing to do. 1: the compiler refused. 2: there is none.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const own = fileURLToPath(import.meta.url)
const source = join(dirname(own), 'wan-link.c')
const output = join(dirname(own), '..', '..', 'build', 'wan-link')
const compiler = process.env.CC ?? 'cc'

function isUpToDate() {
  if (!existsSync(output)) return false
  const builtMs = statSync(output).mtimeMs
  return [own, source].every((file) => statSync(file).mtimeMs <= builtMs)
}

function main() {
  if (isUpToDate()) return 0
  mkdirSync(dirname(output), { recursive: true })
  const [command, ...first] = compiler.split(' ')
  const args = [...first, '-O2', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-o', output, source, '-lm']
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (error !== undefined) console.error(`wan-link: ${command}: apt-get install build-essential`)
  else if (status !== 0) console.error('wan-link: build failed')
  return error === undefined ? Math.min(status, 1) : 2
}

process.exitCode = main()
