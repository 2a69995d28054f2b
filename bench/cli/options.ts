import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { COMMIT_ONLY, COMMIT_SCENARIOS, DEFAULT_ROWS } from '../compare-commits/rows.js'
import { BenchError } from '../measure/bench-error.js'
import { PEERS } from '../peers/catalog.js'
import { externalPeer } from '../peers/external.js'
import type { Peer } from '../peers/peer.js'
import { SCENARIOS } from '../scenarios/catalog.js'
import type { Scenario } from '../scenarios/scenario.js'
import { WAN_LINKS, type WanLinkSetting } from '../wan/wan-links.js'
import { WAN_PEERS, type WanPeer } from '../wan/wan-variants.js'

const COMMANDS = ['run', 'report', 'compare', 'ladder', 'storm', 'wan'] as const

/** A parsed command line. */
export interface BenchOptions {
  readonly command: (typeof COMMANDS)[number]
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  readonly seconds: number
  readonly repetitions: number
  readonly isSmoke: boolean
  /** `wan` adds its results to the existing ones. */
  readonly isAdding: boolean
  /** Whether peers or scenarios were named. */
  readonly isChosen: boolean
  /** Undefined if nothing is kept: a smoke run or `compare` without `--output`. */
  readonly outputDir: string | undefined
  /** Watch memory under full load for this long instead of the comparison. */
  readonly memoryMinutes: number | undefined
  /** What `compare` builds: the base, and the head unless that is this tree. */
  readonly commits: readonly string[]
  /** Only the steps of the ladder with this in their name. */
  readonly ladderFilter: string
  /** The scenarios and peers of `wan`. */
  readonly wanLinks: readonly WanLinkSetting[]
  readonly wanPeers: readonly WanPeer[]
}

const MAX_SECONDS = 60
const MAX_REPETITIONS = 50
const MAX_MEMORY_MINUTES = 120
/** The directory of this repository's own report. */
export const DEFAULT_OUTPUT = fileURLToPath(new URL('../../../docs/', import.meta.url))

export const USAGE = `usage: npm run bench -- [options]            measure every peer, write docs/performance.md
       npm run bench -- report [options]       write the page, its pictures and the figures in other documents from the JSON
       npm run bench -- compare BASE [HEAD]    two commits in one run (HEAD: this tree); fails if a figure is worse
       npm run bench -- ladder [options]       each layer alone, in one process
       npm run bench -- storm [options]        reconnect of 2,000 tunnels after their gateway was killed
       npm run bench -- wan [options]          high-RTT paths with loss, BBR and CUBIC inside and outside; hours

  --peers a,b             only these: ${PEERS.map(({ name }) => name).join(', ')}
  --only a,b              only these scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
                          (compare: also ${COMMIT_ONLY.map(({ name }) => name).join(', ')};
                          ladder: only steps with this in their name; wan: only these links: ${WAN_LINKS.map(({ name }) => name).join(', ')},
                          and of the peers ${WAN_PEERS.map(({ name }) => name).join(', ')})
  --external NAME=PROGRAM another peer: your own tunnel program; repeatable
  --seconds N             length of one measurement (default 5)
  --repeat N              repetitions (default 3)
  --memory-minutes N      memory during N minutes of full load, instead of the comparison
  --add                   wan: add to the results of this commit instead of replacing them
  --output DIR            for performance.md, and bench/ with JSON and pictures (default docs; compare: none)
  --smoke                 one second, once; compares this tree with itself, and runs the ladder, a small storm and
                          one wan link; keeps nothing; fails if a figure is missing or zero
`

/** @throws BenchError ERR_BENCH_USAGE that names the flag, the value seen and what is expected */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const { values, positionals } = parseFlags(argv)
  const command = commandOf(positionals)
  const isSmoke = values.smoke ?? false
  const peers = [...PEERS, ...(values.external ?? []).map(parseExternal)]
  const isWan = command === 'wan'
  return {
    command,
    peers: isWan ? peers : choose('--peers', peers, values.peers),
    scenarios: scenariosOf(command, values.only),
    seconds: isSmoke ? 1 : positive('--seconds', values.seconds ?? '5', MAX_SECONDS),
    repetitions: isSmoke ? 1 : positive('--repeat', values.repeat ?? '3', MAX_REPETITIONS),
    isSmoke,
    isAdding: isWan && (values.add ?? false),
    isChosen: values.peers !== undefined || values.only !== undefined,
    outputDir: outputDirOf(values.output, isSmoke || command === 'compare'),
    commits: command === 'compare' ? positionals.slice(1) : [],
    memoryMinutes:
      values['memory-minutes'] === undefined
        ? undefined
        : positive('--memory-minutes', values['memory-minutes'], MAX_MEMORY_MINUTES),
    ladderFilter: command === 'ladder' ? (values.only?.join(',') ?? '') : '',
    wanLinks: isWan ? choose('--only', WAN_LINKS, values.only) : WAN_LINKS,
    wanPeers: isWan ? choose('--peers', WAN_PEERS, values.peers) : WAN_PEERS,
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
        add: { type: 'boolean' },
        output: { type: 'string' },
        smoke: { type: 'boolean' },
      },
    })
  } catch (cause) {
    throw usageError(cause instanceof Error ? cause.message : String(cause))
  }
}

function commandOf(positionals: readonly string[]): BenchOptions['command'] {
  const [command = 'run', ...rest] = positionals
  const known = COMMANDS.find((one) => one === command)
  const [least, most] = command === 'compare' ? [1, 2] : [0, 0]
  if (known !== undefined && rest.length >= least && rest.length <= most) return known
  throw usageError(
    `"${positionals.join(' ')}": expected nothing, "report", "compare BASE [HEAD]", "ladder", "storm" or "wan"`,
  )
}

function scenariosOf(
  command: BenchOptions['command'],
  only: readonly string[] | undefined,
): readonly Scenario[] {
  if (command === 'wan' || command === 'ladder') return SCENARIOS
  if (command !== 'compare') return choose('--only', SCENARIOS, only)
  return only === undefined ? DEFAULT_ROWS : choose('--only', COMMIT_SCENARIOS, only)
}

function outputDirOf(given: string | undefined, isFleeting: boolean): string | undefined {
  if (given !== undefined) return resolve(given)
  return isFleeting ? undefined : DEFAULT_OUTPUT
}

function parseExternal(text: string): Peer {
  const [, name, program] = /^([a-z0-9-]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || program === undefined || PEERS.some((peer) => peer.name === name)) {
    throw usageError(`--external "${text}": expected NAME=PROGRAM with an unused name`)
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
