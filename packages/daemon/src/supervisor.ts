import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { LoadedCommand, ProcessContext, RunningDaemon } from './daemon-definition.js'
import { DisposerStack } from './disposer-stack.js'
import { isEnvironmentFailure, UsageError } from './errors.js'
import type { FailureReport } from './failure-report.js'
import type { Logger } from './logger.js'

interface SupervisorOptions {
  readonly name: string
  readonly version: string
  readonly log: Logger
  readonly droppedLines: () => number
  readonly report: FailureReport
  /** A subcommand that a signal interrupts has not done its job, so it exits with 128 + n. */
  readonly isCommand: boolean
  readonly isEnvironmentFailure: (error: unknown) => boolean
}

const DEFAULT_STOP_DEADLINE_MS = 5000
/** Time limit for all cleanup steps together. */
const CLEANUP_DEADLINE_MS = 5000
const KEEP_ALIVE_INTERVAL_MS = 2 ** 30

/**
 * Runs one daemon or command for the life of the process. Owns its signals and its exit.
 *
 *   start ──▶ running ──signal──▶ stop ──▶ cleanup ──▶ exit
 *     └── error, signal, command done ─────▲
 *   anywhere ── crash ─────────────────────┘        anywhere ── second signal ──▶ exit at once
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #log: Logger
  readonly #disposers: DisposerStack
  readonly #abort = new AbortController()
  #requestEnd: () => void = () => undefined
  readonly #endRequested = new Promise<void>((resolve) => {
    this.#requestEnd = resolve
  })
  #exitCode = 0
  #signal: NodeJS.Signals | undefined
  #isCrashed = false
  #isFinishing = false
  #running: RunningDaemon | undefined
  #trouble: string | undefined
  #isReloading = false
  #isReloadWanted = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#log = options.log
    this.#disposers = new DisposerStack((step, error) =>
      this.#log.error({ err: error, step }, 'cleanup failed'),
    )
  }

  /** Runs to the end of the process. */
  async run(loaded: LoadedCommand): Promise<never> {
    // Neither signal handlers nor promises keep the event loop alive, and a daemon may have nothing else that does.
    setInterval(() => undefined, KEEP_ALIVE_INTERVAL_MS)
    process.on('SIGTERM', (signal) => this.#onStopSignal(signal))
    process.on('SIGINT', (signal) => this.#onStopSignal(signal))
    process.on('SIGHUP', () => this.#requestReload())
    // Without a listener Node takes the first for a request to open its debugger, and the second ends the process.
    for (const signal of ['SIGUSR1', 'SIGUSR2'] as const)
      process.on(signal, () => this.#log.warn({ signal }, 'signal ignored, it has no meaning here'))
    process.on('uncaughtException', (error) => this.#crash(error, 'uncaught exception'))
    process.on('unhandledRejection', (reason) => this.#crash(reason, 'unhandled rejection'))

    const starting = this.#start(loaded)
    await Promise.race([starting, this.#endRequested.then(() => delay(DEFAULT_STOP_DEADLINE_MS))])
    if (this.#running && !this.#isFinishing) await this.#serve(this.#running)
    return this.#finish()
  }

  async #start(loaded: LoadedCommand): Promise<void> {
    const { name, version, droppedLines } = this.#options
    const context: ProcessContext = {
      name,
      version,
      log: this.#log,
      droppedLines,
      signal: this.#abort.signal,
      defer: (step, dispose) => this.#disposers.defer(step, dispose),
      fail: (error) => this.#fail(error),
      explain: (text) => this.#options.report.explain(text),
      setTrouble: (text) => {
        this.#trouble = text
      },
    }
    try {
      this.#running = await loaded.start(context)
    } catch (error) {
      this.#onStartFailure(error)
    }
  }

  async #serve(running: RunningDaemon): Promise<void> {
    const { version } = this.#options
    this.#log.info({ version, node: process.version, pid: process.pid, ...running.facts }, 'started')
    if (this.#isReloadWanted) this.#requestReload()
    await this.#endRequested
    if (this.#isCrashed) return
    const deadlineMs = running.stopDeadlineMs ?? DEFAULT_STOP_DEADLINE_MS
    try {
      const stopped = Promise.resolve(running.stop?.({ deadlineMs })).then(() => true)
      if (!(await Promise.race([stopped, delay(deadlineMs, false)])))
        this.#log.warn({ deadlineMs }, 'not stopped in time, going on to cleanup')
    } catch (error) {
      this.#exitCode = 1
      this.#log.error({ err: error }, 'stop failed')
    }
  }

  /** After a crash it is called twice: the steps run once, and the exit code is the worse one. */
  async #finish(): Promise<never> {
    this.#isFinishing = true
    this.#abort.abort()
    if (this.#trouble !== undefined) this.#options.report.leave(`stopped: ${this.#trouble}`)
    const disposed = this.#disposers.dispose().then(() => true)
    if (!(await Promise.race([disposed, delay(CLEANUP_DEADLINE_MS, false)]))) {
      this.#exitCode ||= 1
      const step = this.#disposers.current
      this.#log.fatal({ step, deadlineMs: CLEANUP_DEADLINE_MS }, 'cleanup hangs')
      this.#options.report.leave(`cleanup hangs: ${step}`)
    }
    this.#log.debug({ exitCode: this.#exitCode }, 'exit')
    process.exit(this.#exitCode)
  }

  #onStartFailure(error: unknown): void {
    const { report } = this.#options
    if (this.#isCrashed) {
      this.#log.debug({ err: error }, 'start failed during a crash')
    } else if (this.#signal) {
      this.#log.info({ err: error }, 'start interrupted')
      if (this.#options.isCommand) this.#exitCode = signalExitCode(this.#signal)
    } else if (error instanceof UsageError) {
      this.#exitCode = 2
      report.write(error)
    } else if (isEnvironmentFailure(error) || this.#options.isEnvironmentFailure(error)) {
      this.#exitCode = 1
      report.write(error)
    } else {
      this.#exitCode = 1
      this.#log.fatal({ err: error }, 'start failed')
      report.leave('start failed', error)
    }
  }

  #onStopSignal(signal: NodeJS.Signals): void {
    if (this.#signal || this.#isFinishing) {
      this.#log.warn({ signal }, 'second signal, exiting without cleanup')
      process.exit(signalExitCode(signal))
    }
    this.#signal = signal
    this.#log.info({ signal }, 'stopping')
    this.#abort.abort()
    this.#requestEnd()
  }

  /** Several parts of a daemon may report the same failure: it is logged once, and the cleanup continues. */
  #fail(error: unknown): void {
    if (this.#isCrashed) this.#log.debug({ err: error }, 'failed while ending')
    else this.#crash(error, 'failed')
  }

  #crash(error: unknown, message: string): void {
    this.#log.fatal({ err: error }, message)
    this.#options.report.leave(message, error)
    this.#exitCode = 1
    if (this.#isCrashed) process.exit(1)
    this.#isCrashed = true
    this.#requestEnd()
    void this.#finish()
  }

  #requestReload(): void {
    this.#isReloadWanted = true
    if (this.#running && !this.#isReloading && !this.#signal && !this.#isFinishing)
      void this.#reload(this.#running)
  }

  /** A SIGHUP during a reload causes one more: the files may have been read already. */
  async #reload(running: RunningDaemon): Promise<void> {
    this.#isReloading = true
    while (this.#isReloadWanted) {
      this.#isReloadWanted = false
      try {
        if (running.reload) {
          if (await running.reload()) this.#log.info('reloaded')
        } else {
          this.#log.warn('SIGHUP: nothing to reload')
        }
      } catch (error) {
        this.#log.error({ err: error }, 'reload failed, going on as before')
      }
    }
    this.#isReloading = false
  }
}

function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
