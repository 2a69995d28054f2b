import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { LabError } from './lab-error.js'
import { deferred } from './run-command.js'

export interface SpawnOptions {
  /** Set on top of this process's environment. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly cwd?: string | undefined
  /** The user and group to be, without any other group; only root may choose. @default those of this process */
  readonly uid?: number | undefined
}

interface OutputLine {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface WaitOptions {
  /** Against waiting for ever: long, since it costs nothing when all goes well. @default 30000 */
  readonly deadlineMs?: number | undefined
  /** Lines before this one (an index into `output`) do not count. @default 0 */
  readonly fromLine?: number | undefined
}

const DEADLINE_MS = 30_000
const TAIL_LINES = 40
const MAX_LINES = 100_000
/** How long what a program wrote last may be on its way once it has ended; another one may hold the pipe open. */
const LAST_LINES_MS = 1_000

/** A program of the lab: the leader of its own process group, which `stop` ends as a whole. */
export class LabProcess implements AsyncDisposable {
  readonly pid: number
  readonly output: OutputLine[] = []
  /** Settles when the program itself has ended and its last lines are there; it never rejects. */
  readonly exited: Promise<ProcessExit>
  readonly #label: string
  readonly #listeners = new Set<() => void>()
  readonly #ended: Promise<ProcessExit>
  readonly #outputEnded: Promise<void>
  #exit: ProcessExit | undefined
  #closed = false

  /** @throws LabError ERR_LAB_COMMAND when the program cannot be started */
  static async start(
    command: string,
    args: readonly string[],
    options: SpawnOptions = {},
  ): Promise<LabProcess> {
    const env = { ...process.env, ...options.env }
    const child = spawn(command, args, {
      env,
      cwd: options.cwd,
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { promise, resolve, reject } = deferred<void>()
    child.once('spawn', resolve)
    child.once('error', (cause) => {
      reject(new LabError('ERR_LAB_COMMAND', `${command} could not be started`, { cause }))
    })
    const started = new LabProcess([command, ...args].join(' '), child)
    await promise
    return started
  }

  private constructor(label: string, child: ChildProcess) {
    this.#label = label
    this.pid = child.pid ?? 0
    for (const stream of ['stdout', 'stderr'] as const) {
      const source = child[stream]
      if (source === null) continue
      createInterface({ input: source }).on('line', (text) => {
        if (this.output.length < MAX_LINES) this.output.push({ stream, text })
        this.#notify()
      })
    }
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal }
        resolve(this.#exit)
      })
    })
    this.#outputEnded = new Promise((resolve) => {
      child.once('close', () => {
        this.#closed = true
        this.#notify()
        resolve()
      })
    })
    this.exited = this.#ended.then((exit) => this.#untilLastLines().then(() => exit))
  }

  /** What it has written to standard output so far, line by line. */
  get stdout(): readonly string[] {
    return this.#linesOf('stdout')
  }

  get stderr(): readonly string[] {
    return this.#linesOf('stderr')
  }

  get isRunning(): boolean {
    return this.#exit === undefined
  }

  /** The last lines of both streams, for messages. */
  tail(lines = TAIL_LINES): string {
    return this.output
      .slice(-lines)
      .map(({ stream, text }) => `  ${stream === 'stderr' ? '!' : '|'} ${text}`)
      .join('\n')
  }

  /**
   * Waits for a line on either stream, one that was already written included.
   *
   * @throws LabError ERR_LAB_EXITED or ERR_LAB_DEADLINE, with the tail of the output
   */
  waitForLine(pattern: RegExp, options: WaitOptions = {}): Promise<RegExpMatchArray> {
    let next = options.fromLine ?? 0
    return this.waitFor(
      `a line like ${pattern}`,
      () => {
        for (; next < this.output.length; next++) {
          const match = this.output[next]?.text.match(pattern)
          if (match) return match
        }
        return undefined
      },
      options,
    )
  }

  /**
   * Waits until `look` returns something; it is called after every line of output, and every `everyMs` where given
   * (for what shows elsewhere than in the output).
   *
   * @throws LabError ERR_LAB_EXITED or ERR_LAB_DEADLINE, with the tail of the output
   */
  waitFor<T>(
    what: string,
    look: () => T | undefined,
    options: WaitOptions & { readonly everyMs?: number } = {},
  ): Promise<T> {
    const deadlineMs = options.deadlineMs ?? DEADLINE_MS
    const { promise, resolve, reject } = deferred<T>()
    const check = () => {
      const found = look()
      if (found !== undefined) resolve(found)
      else if (this.#closed)
        reject(this.#failure('ERR_LAB_EXITED', `ended with ${this.#exitText()} before ${what}`))
    }
    const deadline = setTimeout(() => {
      reject(this.#failure('ERR_LAB_DEADLINE', `showed no sign of ${what} within ${deadlineMs} ms`))
    }, deadlineMs)
    const interval = options.everyMs === undefined ? undefined : setInterval(check, options.everyMs)
    this.#listeners.add(check)
    check()
    return promise.finally(() => {
      clearTimeout(deadline)
      clearInterval(interval)
      this.#listeners.delete(check)
    })
  }

  /** Sends a signal to the program alone, not to its group. No effect once it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (this.isRunning) process.kill(this.pid, signal)
  }

  /**
   * Ends the whole process group: the signal first, SIGKILL for what is left when the program has ended or `killAfterMs`
   * is over. Its last lines are there then. Idempotent.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM', killAfterMs = 5_000): Promise<ProcessExit> {
    if (this.isRunning) signalGroup(this.pid, signal)
    const timer = setTimeout(() => signalGroup(this.pid, 'SIGKILL'), killAfterMs)
    const exit = await this.#ended
    clearTimeout(timer)
    signalGroup(this.pid, 'SIGKILL')
    await this.#untilLastLines()
    return exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #untilLastLines(): Promise<void> {
    await Promise.race([this.#outputEnded, wait(LAST_LINES_MS, undefined, { ref: false })])
  }

  #linesOf(stream: OutputLine['stream']): readonly string[] {
    return this.output.filter((line) => line.stream === stream).map((line) => line.text)
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }

  #exitText(): string {
    return String(this.#exit?.signal ?? this.#exit?.code)
  }

  #failure(code: 'ERR_LAB_EXITED' | 'ERR_LAB_DEADLINE', what: string): LabError {
    return new LabError(code, `${this.#label}\n${what}; its last output:\n${this.tail()}`)
  }
}

/** Signals every process of a group; a group that is gone is no error. */
function signalGroup(groupId: number, signal: NodeJS.Signals): void {
  // 0 and 1 would mean our own group and everything.
  if (groupId <= 1) return
  try {
    process.kill(-groupId, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
