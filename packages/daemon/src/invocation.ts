import type { Command, Daemon, LoadedCommand } from './daemon-definition.js'
import { LOG_FORMATS, LOG_LEVELS, type LoggerOptions } from './logger.js'
import { parseCommandLine } from './options/command-line.js'
import { readConfigFile } from './options/config-file.js'
import { filePath, oneOf } from './options/kinds.js'
import { loadOptions, type OptionSources } from './options/load-options.js'
import { defineOptions, type OptionTable } from './options/option.js'

/** Every daemon and command has these after its own. */
const CONFIG_OPTION = defineOptions({
  config: {
    kind: filePath(),
    description: 'YAML file with options, keys named like the flags',
    group: 'Process',
  },
})
const LOG_OPTIONS = defineOptions({
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
 * `--log-level` and `--log-format`. The file may hold the keys of all subcommands, so that they can share one.
 *
 * @param argv the arguments after the program's name
 * @throws UsageError | EnvironmentError in one line
 */
export function readInvocation(
  daemon: Daemon,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Invocation {
  const shape = (command: Command) => ({ ...command, options: withProcessOptions(command.options) })
  const parsed = parseCommandLine(
    { ...shape(daemon), version: daemon.version, commands: daemon.commands.map(shape) },
    argv,
  )
  if (parsed.type === 'print') return parsed

  const base: OptionSources = { program: daemon.name, flags: parsed.flags, environment }
  const { config } = loadOptions(CONFIG_OPTION, base).values
  const tables: OptionTable[] = [daemon, ...daemon.commands].map((command) => command.options)
  const allowed = new Set([...tables, LOG_OPTIONS].flatMap((table) => Object.keys(table)))
  const read = () => (config === undefined ? base : { ...base, file: readConfigFile(config, [...allowed]) })
  const sources = read()

  const { logLevel, logFormat } = loadOptions(LOG_OPTIONS, sources).values
  const command = daemon.commands.find(({ name }) => name === parsed.command) ?? daemon
  return {
    type: 'run',
    command: parsed.command,
    logger: { name: daemon.name, level: logLevel, format: logFormat },
    loaded: command.load(sources, read),
  }
}

function withProcessOptions(table: OptionTable): OptionTable {
  return { ...table, ...CONFIG_OPTION, ...LOG_OPTIONS }
}
