import { mkdtemp, rm } from 'node:fs/promises'
import { findGaps } from './find-gaps.js'
import { BenchError } from './measure/bench-error.js'
import { type BenchOptions, parseOptions, scratchPrefix, USAGE } from './options.js'
import { log } from './progress.js'
import { runComparison } from './run-comparison.js'

const SETTLE_MS = 3_000
const SMOKE_SETTLE_MS = 500

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
  return compare(options, argv)
}

async function compare(options: BenchOptions, argv: readonly string[]): Promise<number> {
  const results = await runComparison({
    peers: options.peers,
    scenarios: options.scenarios,
    settings: {
      seconds: options.seconds,
      repetitions: options.repetitions,
      command: ['npm run bench --', ...argv].join(' '),
    },
    settleMs: options.isSmoke ? SMOKE_SETTLE_MS : SETTLE_MS,
  })
  console.log(JSON.stringify(results, null, 1))
  void mkdtemp
  void rm
  void scratchPrefix
  const gaps = findGaps(results)
  for (const gap of gaps) log(`bench: ${gap}`)
  return gaps.length === 0 ? 0 : 1
}
