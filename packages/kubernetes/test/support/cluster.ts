import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { type Outcome, runProgram } from './program.js'

/** The example that people start from. */
export const CLUSTER_FILE = fileURLToPath(
  new URL('../../../../deploy/kubernetes/cluster.yaml', import.meta.url),
)
export const CLUSTER = readFileSync(CLUSTER_FILE, 'utf8')

/** The example where the seed dials. */
export const SEED_DIALS = CLUSTER.replace(/^gateway:[\s\S]*/m, 'loadBalancer: { address: 203.0.113.20 }\n')

/** Runs a command with a text as its cluster file. */
export function withCluster(
  t: Test,
  command: 'render' | 'gateway',
  cluster: string,
  ...flags: readonly string[]
): Promise<Outcome> {
  const file = join(t.testdir({ 'cluster.yaml': cluster }), 'cluster.yaml')
  return runProgram(command, '--cluster', file, ...flags)
}
