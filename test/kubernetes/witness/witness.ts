import { setTimeout as wait } from 'node:timers/promises'
import type { CommandResult, LabProcess } from '@reversed-vpn/test/lab'
import type { Cluster } from '../cluster/cluster.js'
import { PRINTER } from '../cluster/index.js'

const PRINT = 'n=1; while :; do echo line $n; n=$((n+1)); sleep 0.5; done'
/** How long a stream may be quiet before it counts as lost. */
const QUIET_MS = 30_000
const BACK_DEADLINE_MS = 180_000

/** What became of what ran while something was broken. */
export interface Testimony {
  readonly exec: string
  readonly logs: string
  /** From the beginning until kubectl worked and went on working, 0 when it never failed. */
  readonly backAfterMs: number
  readonly failed: number
}

/** An exec that prints twice a second, a `logs -f`, and a new `kubectl exec` again and again. */
export class Witness implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #exec: LabProcess
  readonly #logs: LabProcess

  static async start(cluster: Cluster): Promise<Witness> {
    // What was broken before has to be over.
    await cluster.eventually(['exec', PRINTER, '--', 'true'])
    const [exec, logs] = await Promise.all([
      cluster.startKubectl(['exec', PRINTER, '--', 'sh', '-c', PRINT]),
      cluster.startKubectl(['logs', '--follow', '--tail=1', PRINTER]),
    ])
    for (const stream of [exec, logs]) await stream.waitForLine(/^line \d+$/, { deadlineMs: 60_000 })
    return new Witness(cluster, exec, logs)
  }

  private constructor(cluster: Cluster, exec: LabProcess, logs: LabProcess) {
    this.#cluster = cluster
    this.#exec = exec
    this.#logs = logs
  }

  /** Breaks something and looks on until it is over. @param breakIt resolves when all is in its place again */
  async watch(breakIt: () => Promise<unknown>): Promise<Testimony> {
    const startMs = performance.now()
    let isOver = false
    const broken = breakIt().finally(() => {
      isOver = true
    })
    let failed = 0
    let backAfterMs = 0
    let goodInARow = 0
    while (!(isOver && goodInARow >= 2)) {
      if (performance.now() - startMs > BACK_DEADLINE_MS) break
      const { code } = await this.#ask()
      if (code === 0) {
        if (goodInARow === 0 && failed > 0) backAfterMs = performance.now() - startMs
        goodInARow++
      } else {
        failed++
        goodInARow = 0
      }
      await wait(100)
    }
    await broken
    if (goodInARow === 0) throw new Error(`kubectl does not work ${BACK_DEADLINE_MS} ms after the fault`)
    const [exec, logs] = await Promise.all([fateOf(this.#exec), fateOf(this.#logs)])
    return { exec, logs, backAfterMs, failed }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#exec.stop('SIGKILL'), this.#logs.stop('SIGKILL')])
  }

  #ask(): Promise<CommandResult> {
    return this.#cluster
      .kubectl(['exec', PRINTER, '--request-timeout=5s', '--', 'true'], { deadlineMs: 8_000 })
      .catch((error) => ({ code: -1, stdout: '', stderr: String(error) }))
  }
}

/** Whether a stream goes on without a gap, or how it ended. */
async function fateOf(stream: LabProcess): Promise<string> {
  const seen = stream.stdout.length
  const next = stream.waitFor('another line', () => (stream.stdout.length > seen ? true : undefined), {
    deadlineMs: QUIET_MS,
  })
  const isAlive = await next.catch(() => false)
  if (isAlive) return hasGap(stream.stdout) ? 'went on, with a gap' : 'went on'
  if (stream.isRunning) return 'fell silent'
  const { code } = await stream.exited
  return `ended with ${code}: ${stream.stderr.at(-1) ?? 'nothing said'}`
}

function hasGap(lines: readonly string[]): boolean {
  const numbers = lines.map((line) => Number(/^line (\d+)$/.exec(line)?.[1]))
  return numbers.some((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1)
}
