import { SCENARIOS } from '../scenarios/catalog.js'
import type { Scenario } from '../scenarios/scenario.js'
import { BUNDLE_SIZE } from './bundle-size.js'
import { IDLE_MEMORY } from './idle-memory.js'
import { START } from './start.js'

/** Scenarios that need a checkout of this project, so other peers cannot be measured in them. */
export const COMMIT_ONLY: readonly Scenario[] = [START, IDLE_MEMORY, BUNDLE_SIZE]

/** Everything that two commits can be compared in. */
export const COMMIT_SCENARIOS: readonly Scenario[] = [...SCENARIOS, ...COMMIT_ONLY]

/** The rows of `compare` without `--only`. */
export const DEFAULT_ROWS: readonly Scenario[] = [
  only('tcp-1-to-shoot', 'gigabitsPerSecond'),
  only('tcp-1-to-seed', 'gigabitsPerSecond'),
  only('tcp-32-to-shoot', 'gigabitsPerSecond'),
  only('tcp-32-to-seed', 'gigabitsPerSecond'),
  only('ping-pong', 'p50Microseconds'),
  only('egress-connects-1', 'firstByteP50Ms'),
  only('egress-connects-16', 'connectsPerSecond'),
  ...COMMIT_ONLY,
]

/** A scenario with only one of its metrics. */
function only(name: string, metric: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.name === name)
  const metrics = scenario?.metrics.filter(({ key }) => key === metric) ?? []
  if (scenario === undefined || metrics.length === 0) throw new TypeError(`no metric ${name} ${metric}`)
  return { ...scenario, metrics }
}
