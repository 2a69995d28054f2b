import type {
  Command,
  CommandDefinition,
  Daemon,
  DaemonContext,
  DaemonDefinition,
  LoadedCommand,
  RereadOptions,
  RunningDaemon,
  SourceReader,
} from './daemon-definition.js'
import {
  changedOptions,
  type LoadedOptions,
  loadOptions,
  type OptionSources,
} from './options/load-options.js'
import type { OptionTable, OptionValues } from './options/option.js'

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
  const { values, optionError, isGiven } = loaded
  const { environment } = sources
  const config = sources.file && {
    path: sources.file.path,
    seen: sources.file.seen,
    reread: () => rereadOptions(table, reread(), loaded),
  }
  return { start: (context) => start(values, { ...context, optionError, isGiven, environment, config }) }
}

function rereadOptions<Table extends OptionTable>(
  table: Table,
  sources: OptionSources,
  first: LoadedOptions<Table>,
): RereadOptions<OptionValues<Table>> {
  const { values, optionError } = loadOptions(table, sources)
  return { values, optionError, changed: changedOptions(table, first.values, values) }
}
