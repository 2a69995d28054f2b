import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BenchError } from './measure/bench-error.js'
import { PEERS } from './peers/catalog.js'
import { externalPeer } from './peers/external.js'
import type { Peer } from './peers/peer.js'
import { SCENARIOS } from './scenarios/catalog.js'
import type { Scenario } from './scenarios/scenario.js'

/** What a command line of the benchmark asks for. */
export interface BenchOptions {
  readonly command: 'run' | 'report' | 'ladder'
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  readonly seconds: number
  readonly repetitions: number
  readonly isSmoke: boolean
  /** Undefined where nothing is to stay: a smoke run without `--output`. */
  readonly outputDir: string | undefined
  /** Run full load for this long and watch memory instead of comparing. */
  readonly memoryMinutes: number | undefined
  /** The JSON file that `report` reads. */
  readonly resultsFile: string | undefined
  /** Only the steps of the ladder with this in their name. */
  readonly ladderFilter: string
}

const MAX_SECONDS = 60
const MAX_REPETITIONS = 50
const MAX_MEMORY_MINUTES = 120
const DEFAULT_OUTPUT = fileURLToPath(new URL('../../../docs/bench/', import.meta.url))

export const USAGE = `usage: npm run bench -- [options]            measure every peer, write docs/bench
       npm run bench -- report FILE [options]  make tables and pictures from a results.json again
       npm run bench -- ladder [options]       each layer alone, in one process

  --peers a,b             only these: ${PEERS.map(({ name }) => name).join(', ')}
  --only a,b              only these scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
                          (ladder: only steps with this in their name)
  --external NAME=PROGRAM one more peer: a tunnel program of your own; repeatable
  --seconds N             length of one measurement (default 5)
  --repeat N              repetitions of everything (default 3)
  --memory-minutes N      full load for N minutes, and what it does to memory, instead of the comparison
  --output DIR            where results go (default docs/bench; report: beside FILE)
  --smoke                 one second, once, and the ladder; nothing kept; fails where a figure is missing or zero
`

/** @throws BenchError ERR_BENCH_USAGE that names the flag, the value seen and what is expected */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const { values, positionals } = parseFlags(argv)
  const command = commandOf(positionals)
  const isSmoke = values.smoke ?? false
  const peers = [...PEERS, ...(values.external ?? []).map(parseExternal)]
  return {
    command,
    peers: choose('--peers', peers, values.peers),
    scenarios: command === 'ladder' ? SCENARIOS : choose('--only', SCENARIOS, values.only),
    seconds: isSmoke ? 1 : positive('--seconds', values.seconds ?? '5', MAX_SECONDS),
    repetitions: isSmoke ? 1 : positive('--repeat', values.repeat ?? '3', MAX_REPETITIONS),
    isSmoke,
    outputDir: outputDirOf(values.output, isSmoke, positionals[1]),
    memoryMinutes:
      values['memory-minutes'] === undefined
        ? undefined
        : positive('--memory-minutes', values['memory-minutes'], MAX_MEMORY_MINUTES),
    resultsFile: positionals[1],
    ladderFilter: command === 'ladder' ? (values.only?.join(',') ?? '') : '',
  }
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        peers: { type: 'string', multiple: true },
        only: { type: 'string', multiple: true },
        external: { type: 'string', multiple: true },
        seconds: { type: 'string' },
        repeat: { type: 'string' },
        'memory-minutes': { type: 'string' },
        output: { type: 'string' },
        smoke: { type: 'boolean' },
      },
    })
  } catch (cause) {
    throw usageError(cause instanceof Error ? cause.message : String(cause))
  }
}

function commandOf(positionals: readonly string[]): BenchOptions['command'] {
  const [command, file, ...rest] = positionals
  if (command === undefined) return 'run'
  if (command === 'report' && file !== undefined && rest.length === 0) return 'report'
  if (command === 'ladder' && file === undefined) return 'ladder'
  throw usageError(`"${positionals.join(' ')}": expected nothing, "report FILE" or "ladder"`)
}

/** Pictures that are made again go where their JSON lies. */
function outputDirOf(
  given: string | undefined,
  isSmoke: boolean,
  resultsFile: string | undefined,
): string | undefined {
  if (given !== undefined) return resolve(given)
  if (resultsFile !== undefined) return dirname(resolve(resultsFile))
  return isSmoke ? undefined : DEFAULT_OUTPUT
}

function parseExternal(text: string): Peer {
  const [, name, program] = /^([a-z0-9-]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || program === undefined || PEERS.some((peer) => peer.name === name)) {
    throw usageError(`--external "${text}": expected NAME=PROGRAM with a name that is not taken`)
  }
  return externalPeer(name, resolve(program))
}

function choose<T extends { readonly name: string }>(
  flag: string,
  all: readonly T[],
  given: readonly string[] | undefined,
): readonly T[] {
  if (given === undefined) return all
  const names = given.flatMap((list) => list.split(','))
  const unknown = names.find((name) => !all.some((one) => one.name === name))
  if (unknown === undefined) return all.filter(({ name }) => names.includes(name))
  throw usageError(`${flag} "${unknown}": expected some of ${all.map(({ name }) => name).join(', ')}`)
}

function positive(flag: string, text: string, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw usageError(`${flag} "${text}": expected a whole number from 1 to ${max}`)
}

function usageError(message: string): BenchError {
  return new BenchError('ERR_BENCH_USAGE', message)
}
