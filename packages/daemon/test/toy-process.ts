import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** One line of a daemon's log. */
type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: string }

export const TOY_DAEMON = fileURLToPath(new URL('./toy-daemon.js', import.meta.url))

/** The toy daemon as a child process, killed when its test ends. */
export class ToyProcess {
  readonly lines: LogLine[] = []
  readonly plainLines: string[] = []
  readonly #child
  readonly #arrivals = new EventTarget()
  readonly #ended: Promise<unknown>
  #stderr = ''

  constructor(t: Test, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [TOY_DAEMON, ...args], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.teardown(() => this.#child.kill('SIGKILL'))
    this.#child.stderr.on('data', (chunk) => (this.#stderr += String(chunk)))
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#onLine(line))
    this.#ended = once(this.#child, 'close')
  }

  get messages(): string[] {
    return this.lines.map((line) => line.msg)
  }

  /** Resolves with the first line, past or future, that says `message`; undefined when the process ends without it. */
  logged(message: string): Promise<LogLine | undefined> {
    return this.loggedTimes(message, 1)
  }

  /** Likewise with the line that says it for the `times`th time. */
  async loggedTimes(message: string, times: number): Promise<LogLine | undefined> {
    const find = () => this.lines.filter((line) => line.msg === message)[times - 1]
    let ended = false
    const end = this.#ended.then(() => {
      ended = true
    })
    while (!find() && !ended) await Promise.race([once(this.#arrivals, 'line'), end])
    return find()
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Closes the reading end of the pipe that the log goes to. */
  closeStdout(): void {
    this.#child.stdout.destroy()
  }

  async ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }> {
    await this.#ended
    return { code: this.#child.exitCode, signal: this.#child.signalCode, stderr: this.#stderr }
  }

  #onLine(line: string): void {
    if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine)
    else this.plainLines.push(line)
    this.#arrivals.dispatchEvent(new Event('line'))
  }
}
