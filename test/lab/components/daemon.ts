import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Host } from '../hosts/host.js'
import { LabError } from '../hosts/lab-error.js'
import type { LabProcess, WaitOptions } from '../hosts/lab-process.js'

export type LogRecord = Readonly<Record<string, unknown>> & { readonly msg?: string }

export interface DaemonOptions {
  /** Flags on top of the usual ones; of a flag that stands twice, the daemon takes what it takes. */
  readonly args?: readonly string[]
  /** The program to start, path and first arguments. @default the one of this repository */
  readonly command?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** How long its admin server may take to answer. @default 30000 */
  readonly startDeadlineMs?: number
}

const READY_POLL_MS = 50
const METRIC_DEADLINE_MS = 30_000
const REPOSITORY = new URL('../../../../', import.meta.url)

/** The path of a daemon's program in this repository. It is started through its first line, which sets V8's flags. */
export function binOf(name: 'seed-server' | 'shoot-client' | 'sni-gateway'): string {
  return fileURLToPath(new URL(`packages/${name}/bin/${name}.js`, REPOSITORY))
}

/** `['--name', value]` for every field that is set; a list repeats its flag. */
export function flags(values: Readonly<Record<string, string | readonly string[] | undefined>>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap((one) => [`--${name}`, one]),
  )
}

/** One of our daemons, running in a host. */
export class Daemon implements AsyncDisposable {
  readonly host: Host
  readonly process: LabProcess
  readonly adminPort: number

  static async start(
    host: Host,
    command: readonly string[],
    adminPort: number,
    env?: NodeJS.ProcessEnv,
    deadlineMs?: number,
  ): Promise<Daemon> {
    const [program = '', ...args] = command
    const process = await host.spawn(program, args, { env })
    const daemon = new Daemon(host, process, adminPort)
    await host.waitForPort(process, adminPort, { families: 'any', deadlineMs })
    return daemon
  }

  private constructor(host: Host, process: LabProcess, adminPort: number) {
    this.host = host
    this.process = process
    this.adminPort = adminPort
  }

  get pid(): number {
    return this.process.pid
  }

  /** The log so far. Lines that are no JSON objects, such as a stack trace of Node's own, are left out. */
  get logs(): LogRecord[] {
    return this.process.output.map(({ text }) => parseRecord(text)).filter((record) => record !== undefined)
  }

  /** Waits for a record of the log, one that was already written included. @param fromLine of `process.output` */
  waitForLog(matches: (record: LogRecord) => boolean, options: WaitOptions = {}): Promise<LogRecord> {
    let next = options.fromLine ?? 0
    const look = () => {
      for (; next < this.process.output.length; next++) {
        const record = parseRecord(this.process.output[next]?.text ?? '')
        if (record !== undefined && matches(record)) return record
      }
      return undefined
    }
    return this.process.waitFor('the log record', look, options)
  }

  /** The HTTP status and the body of a page of the admin server. Status 0: nobody answered. */
  async admin(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const url = `http://127.0.0.1:${this.adminPort}${path}`
    const { stdout } = await this.host.run('curl', ['-sS', '-m', '20', '-w', '\n%{http_code}', url])
    const lineEnd = stdout.lastIndexOf('\n')
    return { status: Number(stdout.slice(lineEnd + 1)), body: stdout.slice(0, Math.max(lineEnd, 0)) }
  }

  async status(): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse((await this.admin('/status')).body)
  }

  /** Every sample of `/metrics` by its name and labels as they stand there, such as `a_total{code="200"}`. */
  async metrics(): Promise<Map<string, number>> {
    const { body } = await this.admin('/metrics')
    const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      samples.map((line): [string, number] => {
        const space = line.lastIndexOf(' ')
        return [line.slice(0, space), Number(line.slice(space + 1))]
      }),
    )
  }

  /** Waits until a sample has that value, by asking again and again. @throws LabError ERR_LAB_DEADLINE that says what it has */
  async waitForMetric(sample: string, wanted: number): Promise<void> {
    const endMs = performance.now() + METRIC_DEADLINE_MS
    for (;;) {
      const value = (await this.metrics()).get(sample)
      if (value === wanted) return
      if (performance.now() > endMs)
        throw new LabError('ERR_LAB_DEADLINE', `${sample} is ${value}, expected ${wanted}`)
      await pause(READY_POLL_MS)
    }
  }

  async isReady(): Promise<boolean> {
    return (await this.admin('/readyz')).status === 200
  }

  /** Waits for `/readyz` to say yes. @throws LabError ERR_LAB_EXITED or ERR_LAB_DEADLINE with the tail of the log */
  async waitUntilReady(deadlineMs = 30_000): Promise<void> {
    const endMs = performance.now() + deadlineMs
    while (!(await this.isReady())) {
      const code = this.process.isRunning ? 'ERR_LAB_DEADLINE' : 'ERR_LAB_EXITED'
      if (code === 'ERR_LAB_DEADLINE' && performance.now() < endMs) {
        await pause(READY_POLL_MS)
        continue
      }
      throw new LabError(code, `not ready within ${deadlineMs} ms; its last output:\n${this.process.tail()}`)
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.process.stop(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function parseRecord(text: string): LogRecord | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
