import type { Disposer } from './disposer-stack.js'
import type { UsageError } from './errors.js'
import type { Logger } from './logger.js'
import {
  changedOptions,
  type LoadedOptions,
  loadOptions,
  type OptionSources,
} from './options/load-options.js'
import type { OptionTable, OptionValues } from './options/option.js'

/** Options read again while the daemon runs. */
export interface RereadOptions<Values> {
  readonly values: Values
  /** As in `DaemonContext`, for these values. */
  readonly optionError: (flag: string, problem: string) => UsageError
  /** Flags whose values are others than at start. */
  readonly changed: readonly string[]
}

/** The file that options come from beside command line and environment. */
export interface ConfigSource<Values> {
  readonly path: string
  /** What it looked like before it was read at start, see `ReloadPart`. */
  readonly seen: string
  /**
   * Takes all options anew; command line and environment still beat the file.
   * @throws UsageError | EnvironmentError
   */
  readonly reread: () => RereadOptions<Values>
}

/** What the process gives to `start` and to a command's `run`. */
export interface DaemonContext<Values = unknown> {
  /** The program's name and version, for logs, metrics and greetings. */
  readonly name: string
  readonly version: string
  readonly log: Logger
  /** Aborted as soon as the process is asked to end, so that a start under way need not finish first. */
  readonly signal: AbortSignal
  /**
   * Registers what has to be undone when the process ends, however it ends: last registered first, each logged when it
   * fails. Register right behind what was made, so that a start that fails half-way leaves nothing behind.
   */
  readonly defer: (name: string, dispose: Disposer) => void
  /** A UsageError about an option by its flag: tells the value, where it came from, and `problem`. For checks across options. */
  readonly optionError: (flag: string, problem: string) => UsageError
  /** Ends the process with exit code 1 after one fatal log line and all disposers: for what makes going on pointless. */
  readonly fail: (error: unknown) => void
  /** Of `--config`, where it was given. */
  readonly config: ConfigSource<Values> | undefined
}

/** What the process knows before options are looked at. */
export type ProcessContext = Omit<DaemonContext, 'optionError' | 'config'>

/** A daemon that has started. */
export interface RunningDaemon {
  /**
   * Ends gracefully: take nothing new, let what is under way finish, at most `deadlineMs` long. The disposers run after it.
   * @default nothing to wait for
   */
  stop?(request: { readonly deadlineMs: number }): void | Promise<void>
  /** How long `stop` may take. @default 5000 */
  readonly stopDeadlineMs?: number
  /**
   * SIGHUP: reads files again. Never runs twice at a time; when it throws, that is logged and the daemon goes on as it was.
   * @returns whether everything was taken; what was not it has logged itself
   */
  reload?(): boolean | Promise<boolean>
}

export interface CommandDefinition<Table extends OptionTable> {
  readonly name: string
  readonly description: string
  readonly options: Table
  /** Options of the daemon that mean nothing here and are taken all the same, so that one list of arguments serves both. */
  readonly ignored?: OptionTable
  /** Does the job; exit code 0 when it resolves. What is deferred is undone then too: defer only what shall not stay. */
  run(options: OptionValues<Table>, context: DaemonContext<OptionValues<Table>>): void | Promise<void>
}

export interface DaemonDefinition<Table extends OptionTable> {
  /** Kebab-case; environment variables and metrics are named after it. */
  readonly name: string
  readonly version: string
  readonly description: string
  readonly options: Table
  /** Subcommands, made by `defineCommand`. */
  readonly commands?: readonly Command[]
  /** Resolves when the daemon runs. What it makes it hands to `context.defer`. */
  start(
    options: OptionValues<Table>,
    context: DaemonContext<OptionValues<Table>>,
  ): RunningDaemon | Promise<RunningDaemon>
  /**
   * Whether an error that ends the start is the machine's doing, told in one line with exit code 1, beside those that
   * `isEnvironmentFailure` knows. @default none
   */
  readonly isEnvironmentFailure?: (error: unknown) => boolean
}

/** A daemon or command whose options are loaded. */
export interface LoadedCommand {
  /** Resolves with the running daemon, or with nothing when a command is done. */
  readonly start: (context: ProcessContext) => Promise<RunningDaemon | undefined>
}

/** Reads the sources of options anew, the file among them. @throws UsageError | EnvironmentError */
export type SourceReader = () => OptionSources

/** A subcommand, the types of its options closed in. */
export interface Command {
  readonly name: string
  readonly description: string
  readonly options: OptionTable
  /** Taken on the command line, in no help, and never read. */
  readonly ignored?: OptionTable
  /** @throws UsageError */
  readonly load: (sources: OptionSources, reread: SourceReader) => LoadedCommand
}

/** A daemon, the types of its options closed in. */
export interface Daemon extends Command {
  readonly version: string
  readonly commands: readonly Command[]
  readonly isEnvironmentFailure: (error: unknown) => boolean
}

/** Binds a subcommand's options to its code. */
export function defineCommand<const Table extends OptionTable>(
  definition: CommandDefinition<Table>,
): Command {
  const { name, description, options, ignored = {} } = definition
  return {
    name,
    description,
    options,
    ignored,
    load: (sources, reread) =>
      bind(options, sources, reread, (values, context) => runToEnd(definition, values, context)),
  }
}

/** Binds a daemon's options to its code. */
export function defineDaemon<const Table extends OptionTable>(definition: DaemonDefinition<Table>): Daemon {
  const {
    name,
    version,
    description,
    options,
    commands = [],
    isEnvironmentFailure = () => false,
  } = definition
  return {
    name,
    version,
    description,
    options,
    commands,
    isEnvironmentFailure,
    load: (sources, reread) =>
      bind(options, sources, reread, async (values, context) => definition.start(values, context)),
  }
}

async function runToEnd<Table extends OptionTable>(
  definition: CommandDefinition<Table>,
  values: OptionValues<Table>,
  context: DaemonContext<OptionValues<Table>>,
): Promise<undefined> {
  await definition.run(values, context)
  return undefined
}

function bind<Table extends OptionTable>(
  table: Table,
  sources: OptionSources,
  reread: SourceReader,
  start: (
    values: OptionValues<Table>,
    context: DaemonContext<OptionValues<Table>>,
  ) => Promise<RunningDaemon | undefined>,
): LoadedCommand {
  const loaded = loadOptions(table, sources)
  const { values, optionError } = loaded
  const config = sources.file && {
    path: sources.file.path,
    seen: sources.file.seen,
    reread: () => rereadOptions(table, reread(), loaded),
  }
  return { start: (context) => start(values, { ...context, optionError, config }) }
}

function rereadOptions<Table extends OptionTable>(
  table: Table,
  sources: OptionSources,
  first: LoadedOptions<Table>,
): RereadOptions<OptionValues<Table>> {
  const { values, optionError } = loadOptions(table, sources)
  return { values, optionError, changed: changedOptions(table, first.values, values) }
}
