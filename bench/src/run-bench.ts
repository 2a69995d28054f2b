import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runLadder } from '../ladder/run-ladder.js'
import { writeLadderReport } from '../ladder/write-ladder-report.js'
import { findGaps } from './find-gaps.js'
import { BenchError } from './measure/bench-error.js'
import { type BenchOptions, parseOptions, USAGE } from './options.js'
import { log } from './progress.js'
import { writeMemoryReport } from './report/memory-report.js'
import { writeReport } from './report/write-report.js'
import type { Results } from './results.js'
import { runComparison } from './run-comparison.js'
import { watchMemory } from './watch-memory.js'

const SETTLE_MS = 3_000
const SMOKE_SETTLE_MS = 500
const STEP_MS = 1_000
const SMOKE_MINUTES = 0.05
const SMOKE_STEP_MS = 100

/** The whole program. @returns the exit code: 0, 1 when a figure is missing, 2 for a wrong command line */
export async function runBench(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(parseOptions(argv), argv)
  } catch (error) {
    if (!(error instanceof BenchError) || error.code !== 'ERR_BENCH_USAGE') throw error
    log(`bench: ${error.message}\n\n${USAGE}`)
    return 2
  }
}

async function dispatch(options: BenchOptions, argv: readonly string[]): Promise<number> {
  switch (options.command) {
    case 'run':
      return options.memoryMinutes === undefined
        ? compare(options, argv)
        : watch(options, options.memoryMinutes, argv)
    case 'report':
      return remakeReport(options)
    case 'ladder':
      return climb(options)
    default:
      return options.command satisfies never
  }
}

async function compare(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const results = await runComparison({
    peers: options.peers,
    scenarios: options.scenarios,
    settings: {
      seconds: options.seconds,
      repetitions: options.repetitions,
      command: commandLine(argv),
    },
    settleMs: options.isSmoke ? SMOKE_SETTLE_MS : SETTLE_MS,
  })
  await withOutputDir(options, async (dir) => {
    console.log(await writeReport(results, dir))
  })
  const gaps = findGaps(results)
  for (const gap of gaps) log(`bench: ${gap}`)
  const ladderCode = options.isSmoke ? await climb(options) : 0
  return gaps.length === 0 ? ladderCode : 1
}

async function watch(options: BenchOptions, minutes: number, argv: readonly string[]): Promise<number> {
  const run = await watchMemory(options.peers, options.isSmoke ? SMOKE_MINUTES : minutes, commandLine(argv))
  await withOutputDir(options, async (dir) => {
    console.log(await writeMemoryReport(run, dir))
  })
  return options.isSmoke || run.trends.every(({ isFlat }) => isFlat) ? 0 : 1
}

async function climb(options: BenchOptions): Promise<number> {
  const results = await runLadder(options.ladderFilter, options.isSmoke ? SMOKE_STEP_MS : STEP_MS)
  await withOutputDir(options, async (dir) => {
    console.log(await writeLadderReport(results, dir))
  })
  return results.steps.every(({ operationsPerSecond }) => operationsPerSecond.median > 0) ? 0 : 1
}

async function remakeReport(options: BenchOptions): Promise<number> {
  const results: Results = JSON.parse(await readFile(options.resultsFile ?? '', 'utf8'))
  await withOutputDir(options, async (dir) => {
    console.log(await writeReport(results, dir))
  })
  return 0
}

/** A run that keeps nothing writes all the same, into a directory that goes again. */
async function withOutputDir(
  { outputDir }: BenchOptions,
  write: (dir: string) => Promise<void>,
): Promise<void> {
  if (outputDir !== undefined) return write(outputDir)
  const dir = await mkdtemp(join(tmpdir(), 'reversed-vpn-bench-'))
  try {
    await write(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** As it was typed, but for where an external program lies on this machine. */
function commandLine(argv: readonly string[]): string {
  return ['npm run bench --', ...argv].join(' ').replaceAll(/(--external[ =][a-z0-9-]+)=\S+/g, '$1=PROGRAM')
}
