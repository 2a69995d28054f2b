import type { Command, Daemon, LoadedCommand } from './daemon-definition.js'
import { oneLine } from './errors.js'
import { type ErrorHint, FailureReport } from './failure-report.js'
import { LOG_FORMATS, LOG_LEVELS, type LoggerOptions } from './logger.js'
import { parseCommandLine } from './options/command-line.js'
import { readConfigFile } from './options/config-file.js'
import { custom, filePath, oneOf } from './options/kinds.js'
import { loadOptions, type OptionSources } from './options/load-options.js'
import { defineOptions, type OptionKind, type OptionTable } from './options/option.js'

const errorHint: OptionKind<ErrorHint, ''> = {
  ...custom({
    placeholder: 'TEXT=HINT',
    expected: 'TEXT=HINT, such as /etc/tls/=mounted from the Secret tls',
    parse: (value) => {
      const [, text, hint] = /^([^=]+)=(.+)$/s.exec(value) ?? []
      return text === undefined || hint === undefined ? undefined : { text, hint: oneLine(hint) }
    },
  }),
  mayHoldCommas: true,
}

/** Every daemon and command has these after its own. The first two are read before the file. */
const EARLY_OPTIONS = defineOptions({
  config: {
    kind: filePath(),
    description: 'YAML file with options, keys named like the flags',
    group: 'Process',
  },
  'termination-log': {
    kind: filePath(),
    description:
      'file that gets the reason when the process ends by a failure, such as /dev/termination-log in a container of Kubernetes',
    group: 'Process',
  },
})
const PROCESS_OPTIONS = defineOptions({
  'error-hint': {
    kind: errorHint,
    list: true,
    description: 'what to say after an error that holds TEXT: where a file or a right comes from',
    group: 'Process',
  },
  'log-level': {
    kind: oneOf(LOG_LEVELS),
    default: 'info',
    description: 'lowest level that is logged',
    group: 'Process',
  },
  'log-format': {
    kind: oneOf(LOG_FORMATS),
    default: 'json',
    description: 'format of log lines: json for machines, pretty for people',
    group: 'Process',
  },
})

/** What the command line asks for, with all options read. */
export type Invocation =
  | { readonly type: 'print'; readonly text: string }
  | {
      readonly type: 'run'
      /** The subcommand, or undefined for the daemon itself. */
      readonly command: string | undefined
      readonly logger: LoggerOptions
      readonly loaded: LoadedCommand
    }

/**
 * Reads flags, environment and `--config` of a daemon or of the subcommand that is named. Both also have `--config`,
 * `--termination-log`, `--error-hint`, `--log-level` and `--log-format`. The file may hold the keys of all subcommands, so that
 * they can share one.
 *
 * @param argv the arguments after the program's name
 * @param report learns where to leave a failure, and what to say to it, as soon as that is read
 * @throws UsageError | EnvironmentError in one line
 */
export function readInvocation(
  daemon: Daemon,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  report = new FailureReport(daemon.name),
): Invocation {
  const shape = (command: Command) => ({ ...command, options: withProcessOptions(command.options) })
  const parsed = parseCommandLine(
    { ...shape(daemon), version: daemon.version, commands: daemon.commands.map(shape) },
    argv,
  )
  if (parsed.type === 'print') return parsed

  const base: OptionSources = { program: daemon.name, flags: parsed.flags, environment }
  const { config, terminationLog } = loadOptions(EARLY_OPTIONS, base).values
  report.terminationLog = terminationLog
  const tables: OptionTable[] = [daemon, ...daemon.commands].map((command) => command.options)
  const allowed = new Set([...tables, PROCESS_OPTIONS].flatMap((table) => Object.keys(table)))
  const read = () => (config === undefined ? base : { ...base, file: readConfigFile(config, [...allowed]) })
  const sources = read()

  const { logLevel, logFormat, errorHint: hints } = loadOptions(PROCESS_OPTIONS, sources).values
  report.hints = hints
  const command = daemon.commands.find(({ name }) => name === parsed.command) ?? daemon
  return {
    type: 'run',
    command: parsed.command,
    logger: { name: daemon.name, level: logLevel, format: logFormat },
    loaded: command.load(sources, read),
  }
}

function withProcessOptions(table: OptionTable): OptionTable {
  return { ...table, ...EARLY_OPTIONS, ...PROCESS_OPTIONS }
}
