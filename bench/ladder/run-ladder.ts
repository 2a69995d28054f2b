import { describeEnvironment, type Environment } from '../measure/environment.js'
import { log } from '../measure/progress.js'
import { type Spread, spreadOf } from '../measure/statistics.js'
import type { LadderStep } from './ladder-step.js'
import { LADDER } from './steps.js'

export interface LadderResults {
  readonly environment: Environment
  readonly steps: readonly StepResult[]
}

export interface StepResult {
  readonly name: string
  readonly operation: string
  readonly bytesPerOperation: number
  readonly samples: readonly number[]
  readonly operationsPerSecond: Spread
}

const ROUNDS = 5

/**
 * Runs every step whose name contains `filter`: one warm-up round, then five that count.
 *
 * @param roundMs length of a round in milliseconds
 */
export async function runLadder(filter: string, roundMs: number): Promise<LadderResults> {
  const environment = await describeEnvironment()
  const steps: StepResult[] = []
  for (const step of LADDER.filter(({ name }) => name.includes(filter))) {
    log(step.name)
    steps.push(await runStep(step, roundMs))
  }
  return { environment, steps }
}

async function runStep(step: LadderStep, roundMs: number): Promise<StepResult> {
  await using prepared = await step.prepare()
  await prepared.run(roundMs)
  const samples: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now()
    const operations = await prepared.run(roundMs)
    samples.push(operations / ((performance.now() - startMs) / 1000))
  }
  const { name, operation, bytesPerOperation } = step
  const operationsPerSecond = spreadOf(samples) ?? { count: 0, median: 0, min: 0, max: 0 }
  return { name, operation, bytesPerOperation, samples, operationsPerSecond }
}
