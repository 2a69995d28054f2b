import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UsageError } from '@reversed-vpn/daemon'
import { createLogger, readInvocation } from '@reversed-vpn/daemon/testing'
import { reversedVpn } from '@reversed-vpn/kubernetes/testing'

export const PROGRAM = fileURLToPath(new URL('../../bin/reversed-vpn.js', import.meta.url))

/** The sources of the tests, seen from where they are compiled to. */
const TESTS = new URL('../../test/', import.meta.url)

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

/** Runs `reversed-vpn` as a process, with nothing in its environment but what finds Node. */
export function runProcess(...args: readonly string[]): Outcome {
  const { stdout, stderr, status } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  return { stdout, stderr, code: status }
}

/** Runs `reversed-vpn` in this process, which is quicker. What is thrown but no UsageError is a bug, and thrown on. */
export async function runProgram(...args: readonly string[]): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  const program = reversedVpn({
    result: async (text) => {
      stdout += text
    },
    note: (line) => {
      stderr += `${line}\n`
    },
  })
  try {
    const invocation = readInvocation(program, args, {})
    if (invocation.type === 'print') return { stdout: invocation.text, stderr, code: 0 }
    const { loaded, logger } = invocation
    await loaded.start({
      name: program.name,
      version: program.version,
      ...createLogger({ ...logger, level: 'silent' }),
      signal: new AbortController().signal,
      defer: () => undefined,
      fail: (error) => {
        throw error
      },
      explain: (text) => text,
      setTrouble: () => undefined,
    })
    return { stdout, stderr, code: 0 }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { stdout, stderr: `${stderr}${program.name}: ${error.message}\n`, code: 2 }
  }
}

/** Renders files of `test/input`. @throws Error with what the program says when it does not end well */
export async function render(gardenlet: string, shoot: string, ...flags: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await runProgram(
    'render',
    ...['--gardenlet', testFile(`input/${gardenlet}.yaml`), '--shoot', testFile(`input/${shoot}.yaml`)],
    ...flags,
  )
  if (code !== 0) throw new Error(stderr)
  return stdout
}

export function testFile(path: string): string {
  return fileURLToPath(new URL(path, TESTS))
}

export function readTestFile(path: string): string {
  return readFileSync(new URL(path, TESTS), 'utf8')
}
