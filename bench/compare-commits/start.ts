import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Host, Lab } from '@reversed-vpn/test/lab'
import type { PeerProcess, Role } from '../measure/peer-process.js'
import { median } from '../measure/statistics.js'
import type { Scenario } from '../scenarios/scenario.js'

/** The only argument of `start-program`, as JSON. */
export interface StartOrder {
  readonly command: readonly string[]
  /** A start ends when this page is answered with 200. @default it ends with the exit of the program */
  readonly url?: string
  /** Starts are repeated for this long, at least once. */
  readonly milliseconds: number
}

const PROGRAM = fileURLToPath(new URL('./start-program.js', import.meta.url))
const SEED_URL = 'http://127.0.0.1:15000/healthz'
const SHOOT_URL = 'http://127.0.0.1:15001/readyz'
const GRACE_MS = 30_000

/** Starts of both daemons, in a lab without others, with the command lines of the stage. Each value is a median. */
export const START: Scenario = {
  name: 'start',
  title: 'start',
  load: 'tcp',
  metrics: [
    { key: 'seedHelpMs', title: 'seed-server --help, until its exit', unit: 'ms', isHigherBetter: false },
    { key: 'shootHelpMs', title: 'shoot-client --help, until its exit', unit: 'ms', isHigherBetter: false },
    { key: 'seedHealthyMs', title: 'seed-server, until /healthz', unit: 'ms', isHigherBetter: false },
    { key: 'shootReadyMs', title: 'shoot-client, until /readyz', unit: 'ms', isHigherBetter: false },
  ],
  async run({ path }, seconds) {
    await using lab = await Lab.create()
    const { seed, node } = lab.hosts
    const [seedCommand, shootCommand] = [
      commandOf(path.processes, 'seed'),
      commandOf(path.processes, 'shoot'),
    ]
    const milliseconds = 1000 * seconds
    const values = {
      seedHelpMs: await timeStarts(seed, { command: helpOf(seedCommand), milliseconds }),
      shootHelpMs: await timeStarts(node, { command: helpOf(shootCommand), milliseconds }),
      // The last seed-server stays up for the shoot-clients.
      seedHealthyMs: await timeStarts(seed, { command: seedCommand, url: SEED_URL, milliseconds }),
      shootReadyMs: await timeStarts(node, { command: shootCommand, url: SHOOT_URL, milliseconds }),
    }
    return { commands: ['bench/compare-commits/start-program'], values }
  },
}

/** Median of the starts on a host, in milliseconds. The last one goes on until the lab ends. */
async function timeStarts(host: Host, order: StartOrder): Promise<number> {
  const program = await host.spawn(process.execPath, [PROGRAM, JSON.stringify(order)])
  const [, times = ''] = await program.waitForLine(/^started (.*)$/, {
    deadlineMs: order.milliseconds + GRACE_MS,
  })
  return median(JSON.parse(times))
}

/** The command line of a daemon from its script on, so that the first line of the script sets Node's flags again. */
function commandOf(processes: readonly PeerProcess[], role: Role): string[] {
  const pid = processes.find((process) => process.role === role)?.pid
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  return words.slice(words.findIndex((word) => word.endsWith('.js')))
}

function helpOf([script = '']: readonly string[]): string[] {
  return [script, '--help']
}
