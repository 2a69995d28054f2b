import { setTimeout as sleep } from 'node:timers/promises'
import { startCpuMeter } from '../measure/cpu-meter.js'
import { describeEnvironment } from '../measure/environment.js'
import { memoryOf, type ProcessMemory } from '../measure/proc.js'
import { log } from '../measure/progress.js'
import type { RunSettings } from '../measure/run-settings.js'
import { type LeftOut, withoutLeftOut } from '../peers/go-programs.js'
import type { Peer } from '../peers/peer.js'
import { openStages, Stage } from '../peers/stage.js'
import { reasonAgainst } from '../scenarios/fitness.js'
import type { Scenario } from '../scenarios/scenario.js'
import type { MemoryRecord, Results, Sample, Skipped } from './results.js'
import { warmUp } from './warm-up.js'

export interface ComparisonOptions {
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  readonly settings: RunSettings
  /** Pause before idle memory is read, and a tenth of it before every measurement. In milliseconds. */
  readonly settleMs: number
  /** Why a peer is not measured in a scenario. @default only loads that it does not support */
  readonly reasonAgainst?: typeof reasonAgainst
  /** Peers that are not there, of which nothing is measured. @default none */
  readonly leftOut?: readonly LeftOut[]
  /** Whether each peer gets some load before the first measurement. @default true */
  readonly isWarm?: boolean
}

/**
 * Measures every peer in every scenario, repetition by repetition. Within one repetition of a scenario the peers follow each
 * other, and each repetition begins with another peer, so that drift of the machine affects all of them alike.
 *
 * A measurement that fails is recorded with its error, and the run continues.
 */
export async function runComparison(options: ComparisonOptions): Promise<Results> {
  const environment = await describeEnvironment()
  await using stages = await openStages(withoutLeftOut(options.peers, options.leftOut))
  const idle = await readIdleMemory(stages.list, options.settleMs)
  if (options.isWarm ?? true) await warmUp(stages.list)
  const samples = await measureAll(stages.list, options)
  return {
    environment,
    settings: options.settings,
    peers: stages.list.map(({ peer, mtu, commands }) => {
      return { name: peer.name, title: peer.title, isExternal: peer.isExternal ?? false, mtu, commands }
    }),
    scenarios: options.scenarios.map(({ name, title, metrics }) => ({ name, title, metrics })),
    samples,
    skipped: options.scenarios.flatMap((scenario) => skippedOf(scenario, options)),
    memory: readFinalMemory(stages.list, idle),
  }
}

async function measureAll(stages: readonly Stage[], options: ComparisonOptions): Promise<Sample[]> {
  const { scenarios, settings, settleMs } = options
  const fitting = new Map(
    scenarios.map((scenario) => [
      scenario,
      stages.filter(({ peer }) => (options.reasonAgainst ?? reasonAgainst)(peer, scenario) === undefined),
    ]),
  )
  const total = settings.repetitions * [...fitting.values()].flat().length
  const samples: Sample[] = []
  for (let repetition = 0; repetition < settings.repetitions; repetition++) {
    for (const [scenario, own] of fitting) {
      for (const stage of rotate(own, repetition)) {
        await sleep(settleMs / 10)
        const sample = await measureOne(scenario, stage, stages, repetition, settings.seconds)
        samples.push(sample)
        log(`[${samples.length}/${total}] ${describe(sample, scenario)}`)
      }
    }
  }
  return samples
}

function skippedOf(scenario: Scenario, options: ComparisonOptions): Skipped[] {
  return options.peers.flatMap((peer) => {
    const leftOut = options.leftOut?.find((one) => one.peer === peer.name)
    const reason = leftOut?.reason ?? (options.reasonAgainst ?? reasonAgainst)(peer, scenario)
    return reason === undefined ? [] : [{ scenario: scenario.name, peer: peer.name, reason }]
  })
}

async function measureOne(
  scenario: Scenario,
  shared: Stage,
  stages: readonly Stage[],
  repetition: number,
  seconds: number,
): Promise<Sample> {
  await using fresh = scenario.isFresh === true ? await Stage.open(shared.peer) : undefined
  const stage = fresh ?? shared
  const others = stages.filter((other) => other !== stage).flatMap((other) => other.path.processes)
  const where = { scenario: scenario.name, peer: stage.peer.name, repetition }
  const startedAt = new Date().toISOString()
  const stopMeter = startCpuMeter(stage.path.processes, others)
  try {
    const { commands, values, receivedBytes } = await scenario.run(stage, seconds)
    const use = stopMeter()
    const perGigabyte = receivedBytes === undefined ? undefined : perGigabyteOf(use.cpuSeconds, receivedBytes)
    return {
      ...where,
      startedAt,
      commands,
      values,
      ...use,
      ...(perGigabyte === undefined ? {} : { cpuSecondsPerGigabyte: perGigabyte }),
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { ...where, startedAt, commands: [], values: {}, ...stopMeter(), error: message }
  }
}

function perGigabyteOf(cpuSeconds: Sample['cpuSeconds'], receivedBytes: number): Sample['cpuSeconds'] {
  return Object.fromEntries(
    Object.entries(cpuSeconds).map(([role, seconds]) => [role, seconds / (receivedBytes / 1e9)]),
  )
}

async function readIdleMemory(
  stages: readonly Stage[],
  settleMs: number,
): Promise<Map<number, ProcessMemory>> {
  await sleep(settleMs)
  const processes = stages.flatMap(({ path }) => path.processes)
  return new Map(processes.map(({ pid }) => [pid, memoryOf(pid)]))
}

function readFinalMemory(stages: readonly Stage[], idle: ReadonlyMap<number, ProcessMemory>): MemoryRecord[] {
  return stages.flatMap(({ peer, path }) =>
    path.processes.map(({ role, pid }) => {
      const now = memoryOf(pid)
      return {
        peer: peer.name,
        role,
        idleRssBytes: idle.get(pid)?.rssBytes ?? Number.NaN,
        peakRssBytes: now.peakRssBytes,
        finalRssBytes: now.rssBytes,
      }
    }),
  )
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const start = by % Math.max(1, list.length)
  return [...list.slice(start), ...list.slice(0, start)]
}

function describe(sample: Sample, scenario: Scenario): string {
  const figures = scenario.metrics.map(({ key, title, unit }) => {
    return `${title} ${sample.values[key]?.toPrecision(3) ?? 'missing'} ${unit}`
  })
  const head = `${sample.scenario} ${sample.peer} #${sample.repetition + 1}: `
  return head + (sample.error === undefined ? figures.join(', ') : `FAILED ${sample.error}`)
}
