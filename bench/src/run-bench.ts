import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkOut, thisTree } from '../compare/check-out.js'
import { judgeChanges } from '../compare/judge-change.js'
import { describeChanges, runCompare } from '../compare/run-compare.js'
import { runLadder } from '../ladder/run-ladder.js'
import { runStorm } from '../storm/run-storm.js'
import { isWithinLimits } from '../storm/storm-part.js'
import { runWan } from '../wan/run-wan.js'
import { SMOKE_LINK } from '../wan/wan-links.js'
import { findWanGaps } from '../wan/wan-results.js'
import { smokeVariantsOf, variantsOf } from '../wan/wan-variants.js'
import { findGaps } from './find-gaps.js'
import { BenchError } from './measure/bench-error.js'
import { type BenchOptions, DEFAULT_OUTPUT, parseOptions, USAGE } from './options.js'
import { log } from './progress.js'
import { rewriteDocumentFigures } from './report/document-figures.js'
import { readResults, remakeReport, writeJson, writeReport } from './report/write-report.js'
import { runComparison } from './run-comparison.js'
import { reasonAgainst, reasonAgainstInSmoke } from './scenarios/fitness.js'
import { watchMemory } from './watch-memory.js'

const SETTLE_MS = 3_000
const SMOKE_SETTLE_MS = 500
const STEP_MS = 1_000
const SMOKE_MINUTES = 0.05
const SMOKE_STEP_MS = 100
const STORM_TUNNELS = 2_000
const SMOKE_STORM_TUNNELS = 100
const SMOKE_COMPARE = parseOptions(['--smoke', '--only', 'tcp-1-to-shoot'])
/** At 200 ms a connection takes most of the lead to come up to speed. */
const WAN_TIMES = { leadSeconds: 3, idlePingSeconds: 2, pages: 5 }
const SMOKE_WAN_TIMES = { seconds: 1, leadSeconds: 0, idlePingSeconds: 0.2, pages: 1 }

/** The whole program. @returns the exit code: 0, 1 when a figure is missing or got worse, 2 for a wrong command line */
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
        ? measure(options, argv)
        : watch(options, options.memoryMinutes, argv)
    case 'report':
      await withOutputDir(options, remakeReport)
      return 0
    case 'compare':
      return holdAgainst(options, argv)
    case 'ladder':
      return climb(options)
    case 'storm':
      return storm(options)
    case 'wan':
      return goFar(options, argv)
    default:
      return options.command satisfies never
  }
}

async function measure(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const results = await runComparison({
    peers: options.peers,
    scenarios: options.scenarios,
    settings: {
      seconds: options.seconds,
      repetitions: options.repetitions,
      command: commandLine(argv),
    },
    settleMs: options.isSmoke ? SMOKE_SETTLE_MS : SETTLE_MS,
    isWarm: !options.isSmoke,
    reasonAgainst: options.isSmoke && !options.isChosen ? reasonAgainstInSmoke : reasonAgainst,
  })
  await withOutputDir(options, async (dir) => {
    console.log(await writeReport(dir, 'results.json', results))
  })
  const gaps = findGaps(results)
  for (const gap of gaps) log(`bench: ${gap}`)
  const otherCodes = options.isSmoke
    ? [
        await holdAgainst(SMOKE_COMPARE, argv),
        await climb(options),
        await storm(options),
        await goFar(options, argv),
      ]
    : []
  return gaps.length === 0 ? Math.max(0, ...otherCodes) : 1
}

/** Two commits, or in a smoke run this tree with itself. */
async function holdAgainst(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const { commits, isSmoke, scenarios, seconds, repetitions, outputDir } = options
  const [baseCommit, headCommit] = commits
  await using base = baseCommit === undefined ? thisTree() : await checkOut(baseCommit)
  await using head = headCommit === undefined ? thisTree() : await checkOut(headCommit)
  const results = await runCompare(base, head, {
    scenarios,
    settings: { seconds, repetitions, command: commandLine(argv) },
    settleMs: isSmoke ? SMOKE_SETTLE_MS : SETTLE_MS,
  })
  console.log(describeChanges(results))
  if (outputDir !== undefined) await writeJson(join(outputDir, 'compare.json'), results)
  const gaps = findGaps(results)
  for (const gap of gaps) log(`bench: ${gap}`)
  // One second, once, says nothing about what is worse.
  const isWorse = !isSmoke && judgeChanges(results).some((change) => change.isWorse)
  return gaps.length > 0 || isWorse ? 1 : 0
}

async function watch(options: BenchOptions, minutes: number, argv: readonly string[]): Promise<number> {
  const run = await watchMemory(options.peers, options.isSmoke ? SMOKE_MINUTES : minutes, commandLine(argv))
  await withOutputDir(options, async (dir) => {
    console.log(await writeReport(dir, 'memory.json', run))
  })
  return options.isSmoke || run.trends.every(({ isFlat }) => isFlat) ? 0 : 1
}

async function climb(options: BenchOptions): Promise<number> {
  const results = await runLadder(options.ladderFilter, options.isSmoke ? SMOKE_STEP_MS : STEP_MS)
  await withOutputDir(options, async (dir) => {
    console.log(await writeReport(dir, 'ladder.json', results))
  })
  return results.steps.every(({ operationsPerSecond }) => operationsPerSecond.median > 0) ? 0 : 1
}

async function storm(options: BenchOptions): Promise<number> {
  const tunnels = options.isSmoke ? SMOKE_STORM_TUNNELS : STORM_TUNNELS
  const results = await runStorm(tunnels, options.repetitions)
  await withOutputDir(options, async (dir) => {
    console.log(await writeReport(dir, 'storm.json', results))
  })
  return results.rounds.every(isWithinLimits) ? 0 : 1
}

async function goFar(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const { isSmoke, isAdding, wanLinks, wanPeers, seconds, repetitions, outputDir } = options
  const earlier = isAdding && outputDir !== undefined ? await readResults(outputDir, 'wan.json') : undefined
  const smokeLinks = wanLinks.filter(({ name }) => wanLinks.length === 1 || name === SMOKE_LINK)
  const results = await runWan({
    links: isSmoke ? smokeLinks : wanLinks,
    variants: isSmoke ? smokeVariantsOf(wanPeers) : variantsOf(wanPeers),
    settings: { seconds, repetitions, command: commandLine(argv) },
    times: isSmoke ? SMOKE_WAN_TIMES : { ...WAN_TIMES, seconds },
    earlier,
  })
  await withOutputDir(options, async (dir) => {
    console.log(await writeReport(dir, 'wan.json', results))
  })
  const gaps = findWanGaps(results)
  for (const gap of gaps) log(`bench: ${gap}`)
  return gaps.length === 0 ? 0 : 1
}

/** A run that keeps nothing writes all the same, into a directory that goes again. */
async function withOutputDir(
  { outputDir }: BenchOptions,
  write: (dir: string) => Promise<unknown>,
): Promise<void> {
  if (outputDir !== undefined) {
    await write(outputDir)
    if (outputDir === DEFAULT_OUTPUT) await takeFiguresOver(outputDir)
    return
  }
  const dir = await mkdtemp(join(tmpdir(), 'reversed-vpn-bench-'))
  try {
    await write(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** The documents say what the results beside them say. */
async function takeFiguresOver(dir: string): Promise<void> {
  const results = await readResults(dir, 'results.json')
  const wan = await readResults(dir, 'wan.json')
  if (results !== undefined && wan !== undefined) await rewriteDocumentFigures({ results, wan })
}

/** As it was typed, but for where things lie on this machine. */
function commandLine(argv: readonly string[]): string {
  const typed = ['npm run bench --', ...argv].join(' ')
  return typed
    .replaceAll(/(--external[ =][a-z0-9-]+)=\S+/g, '$1=PROGRAM')
    .replaceAll(/(--output)[ =]\S+/g, '$1 DIR')
}
