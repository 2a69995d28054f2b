import type { Disposer } from './disposer-stack.js'
import type { UsageError } from './errors.js'
import type { Logger } from './logger.js'
import type { OptionSources } from './options/load-options.js'
import type { OptionTable, OptionValues } from './options/option.js'

/** Options that were read again while the daemon runs. */
export interface RereadOptions<Values> {
  readonly values: Values
  /** As in `DaemonContext`, for these values. */
  readonly optionError: (flag: string, problem: string) => UsageError
  /** Flags whose values differ from those at start. */
  readonly changed: readonly string[]
}

/** The configuration file, a source of options besides command line and environment. */
export interface ConfigSource<Values> {
  readonly path: string
  /** Its fingerprint before it was read at start, see `ReloadPart.seen`. */
  readonly seen: string
  /**
   * Reads all options again; command line and environment still take precedence over the file.
   * @throws UsageError | EnvironmentError
   */
  readonly reread: () => RereadOptions<Values>
}

/** What `start` and a command's `run` get from the process. */
export interface DaemonContext<Values = unknown> {
  /** The program's name and version, for logs, metrics and greetings. */
  readonly name: string
  readonly version: string
  readonly log: Logger
  /** Lines of the log that were dropped so far: stdout did not take them. For `createRegistry`. */
  readonly droppedLines: () => number
  /** Aborted when the process is asked to end, so that it need not wait for the start to finish. */
  readonly signal: AbortSignal
  /**
   * Registers a cleanup step for the end of the process, however it ends. Steps run in reverse order; one that fails is logged.
   * Register it right after creating a resource, so that a start that fails halfway leaves nothing behind.
   */
  readonly defer: (name: string, dispose: Disposer) => void
  /** A UsageError about an option: names the flag, its value, where that came from, and `problem`. For checks across options. */
  readonly optionError: (flag: string, problem: string) => UsageError
  /** Whether somebody has said the option's value, which is no default then. */
  readonly isGiven: (flag: string) => boolean
  /** Ends the process with one fatal log line, all cleanup steps, and exit code 1: for errors that it cannot recover from. */
  readonly fail: (error: unknown) => void
  /** A text in one line, with the hints of `--error-hint` that fit it. */
  readonly explain: (text: string) => string
  /** Why the daemon cannot do its job now, undefined when it can: left in the termination log if it is stopped meanwhile. */
  readonly setTrouble: (text: string | undefined) => void
  /** Environment variables, for those that other programs read too (`HTTPS_PROXY`). Options have theirs read already. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The file given by `--config`, if any. */
  readonly config: ConfigSource<Values> | undefined
}

/** The part of the context that exists before options are read. */
export type ProcessContext = Omit<DaemonContext, 'optionError' | 'isGiven' | 'environment' | 'config'>

/** A daemon that has started. */
export interface RunningDaemon {
  /** Fields for the log line `started`: what an operator wants to know of this start. */
  readonly facts?: Readonly<Record<string, unknown>>
  /**
   * Stops gracefully: accepts nothing new and lets open work finish, for at most `deadlineMs`. Cleanup steps run after it.
   * @default nothing to wait for
   */
  stop?(request: { readonly deadlineMs: number }): void | Promise<void>
  /** How long `stop` may take. @default 5000 */
  readonly stopDeadlineMs?: number
  /**
   * Called on SIGHUP, never twice at a time: reads files again. If it throws, the error is logged and the daemon continues
   * unchanged.
   * @returns whether everything was applied; it logs itself what was not
   */
  reload?(): boolean | Promise<boolean>
}

export interface CommandDefinition<Table extends OptionTable> {
  readonly name: string
  readonly description: string
  readonly options: Table
  /** Options of the daemon that have no effect here but are accepted, so that one list of arguments serves both. */
  readonly ignored?: OptionTable
  /** Does the job; exit code 0 when it resolves. Deferred steps run then too, so defer only what must not remain. */
  run(options: OptionValues<Table>, context: DaemonContext<OptionValues<Table>>): void | Promise<void>
}

export interface DaemonDefinition<Table extends OptionTable> {
  /** Kebab-case; environment variables and metrics get their prefix from it. */
  readonly name: string
  readonly version: string
  readonly description: string
  readonly options: Table
  /** Subcommands from `defineCommand`. */
  readonly commands?: readonly Command[]
  /** Resolves when the daemon runs. It registers the cleanup of what it creates with `context.defer`. */
  start(
    options: OptionValues<Table>,
    context: DaemonContext<OptionValues<Table>>,
  ): RunningDaemon | Promise<RunningDaemon>
  /**
   * Whether an error that ends the start has its cause in the environment and is reported in one line with exit code 1, in
   * addition to those that `isEnvironmentFailure` knows. @default none
   */
  readonly isEnvironmentFailure?: (error: unknown) => boolean
}

/** A daemon or command whose options are loaded. */
export interface LoadedCommand {
  /** Resolves with the running daemon, or with undefined when a command is done. */
  readonly start: (context: ProcessContext) => Promise<RunningDaemon | undefined>
}

/** Reads the sources of options again, including the file. @throws UsageError | EnvironmentError */
export type SourceReader = () => OptionSources

/** A subcommand, without the types of its options. */
export interface Command {
  readonly name: string
  readonly description: string
  readonly options: OptionTable
  /** Accepted on the command line, not in the help, and never read. */
  readonly ignored?: OptionTable
  /** @throws UsageError */
  readonly load: (sources: OptionSources, reread: SourceReader) => LoadedCommand
}

/** A daemon, without the types of its options. */
export interface Daemon extends Command {
  readonly version: string
  readonly commands: readonly Command[]
  readonly isEnvironmentFailure: (error: unknown) => boolean
}
