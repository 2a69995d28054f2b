import { join } from 'node:path'
import { checkOut, thisTree } from '../compare-commits/check-out.js'
import { judgeChanges } from '../compare-commits/judge-change.js'
import { describeChanges, runCompare } from '../compare-commits/run-compare.js'
import { findGaps } from '../compare-peers/find-gaps.js'
import { runComparison } from '../compare-peers/run-comparison.js'
import { runLadder } from '../ladder/run-ladder.js'
import { BenchError } from '../measure/bench-error.js'
import { log } from '../measure/progress.js'
import { watchMemory } from '../memory/watch-memory.js'
import { buildPrograms, withoutLeftOut } from '../peers/go-programs.js'
import { reasonAgainst, reasonAgainstInSmoke } from '../scenarios/fitness.js'
import { runStorm } from '../storm/run-storm.js'
import { isWithinLimits } from '../storm/storm-part.js'
import { runWan } from '../wan/run-wan.js'
import { SMOKE_LINK } from '../wan/wan-links.js'
import { findWanGaps } from '../wan/wan-results.js'
import { smokeVariantsOf, variantsOf } from '../wan/wan-variants.js'
import { type BenchOptions, parseOptions, USAGE } from './options.js'
import { commandLine, withOutputDir } from './output.js'
import { readResults, remakeReport, writeJson, writeReport } from './write-report.js'

const SETTLE_MS = 3_000
const SMOKE_SETTLE_MS = 500
const STEP_MS = 1_000
const SMOKE_MINUTES = 0.05
const SMOKE_STEP_MS = 100
const STORM_TUNNELS = 2_000
const SMOKE_STORM_TUNNELS = 100
const SMOKE_COMPARE: BenchOptions = {
  ...parseOptions(['compare', 'HEAD', '--smoke', '--only', 'tcp-1-to-shoot,start,idle-memory,bundle-size']),
  commits: [],
}
/** At 200 ms a connection needs most of the lead to reach full speed. */
const WAN_TIMES = { leadSeconds: 3, idlePingSeconds: 2, pages: 5 }
const SMOKE_WAN_TIMES = { seconds: 1, leadSeconds: 0, idlePingSeconds: 0.2, pages: 1 }

/** The whole program. @returns the exit code: 0, 1 if a figure is missing or worse, 2 for a wrong command line */
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
      return compare(options, argv)
    case 'ladder':
      return ladder(options)
    case 'storm':
      return storm(options)
    case 'wan':
      return wan(options, argv)
    default:
      return options.command satisfies never
  }
}

async function measure(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const leftOut = await buildPrograms(options.peers, options.isSmoke)
  const results = await runComparison({
    peers: options.peers,
    leftOut,
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
        await compare(SMOKE_COMPARE, argv),
        await ladder(options),
        await storm(options),
        await wan(options, argv),
      ]
    : []
  return gaps.length === 0 ? Math.max(0, ...otherCodes) : 1
}

/** Compares two commits; in a smoke run this tree with itself. */
async function compare(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const { commits, isSmoke, isChosen, scenarios, seconds, repetitions, outputDir } = options
  const [baseCommit, headCommit] = commits
  await using base = baseCommit === undefined ? thisTree() : await checkOut(baseCommit)
  await using head = headCommit === undefined ? thisTree() : await checkOut(headCommit)
  const results = await runCompare(base, head, {
    scenarios,
    settings: { seconds, repetitions, command: commandLine(argv) },
    settleMs: isSmoke ? SMOKE_SETTLE_MS : SETTLE_MS,
  })
  console.log(describeChanges(results, isChosen))
  if (outputDir !== undefined) await writeJson(join(outputDir, 'compare.json'), results)
  const gaps = findGaps(results)
  for (const gap of gaps) log(`bench: ${gap}`)
  // One second, once, cannot show that something is worse.
  const isWorse = !isSmoke && judgeChanges(results, isChosen).some((change) => change.isWorse)
  return gaps.length > 0 || isWorse ? 1 : 0
}

async function watch(options: BenchOptions, minutes: number, argv: readonly string[]): Promise<number> {
  const peers = withoutLeftOut(options.peers, await buildPrograms(options.peers, options.isSmoke))
  const run = await watchMemory(peers, options.isSmoke ? SMOKE_MINUTES : minutes, commandLine(argv))
  await withOutputDir(options, async (dir) => {
    console.log(await writeReport(dir, 'memory.json', run))
  })
  return options.isSmoke || run.trends.every(({ isFlat }) => isFlat) ? 0 : 1
}

async function ladder(options: BenchOptions): Promise<number> {
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

async function wan(options: BenchOptions, argv: readonly string[]): Promise<number> {
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
