import { Command, CommanderError, Option } from 'commander'
import { oneLine, UsageError } from '../errors.js'
import { environmentName, type OptionSpec, type OptionTable } from './option.js'
import { didYouMean, findSimilarNames } from './similar-names.js'

/** A program, or one of its subcommands, as the command line sees it. */
interface CommandShape {
  readonly name: string
  readonly description: string
  readonly options: OptionTable
  /** Accepted, not in the help, and never collected. */
  readonly ignored?: OptionTable
}

interface ProgramShape extends CommandShape {
  readonly version: string
  readonly commands: readonly CommandShape[]
}

/** What a command line asks for: text to print (help, version), or a command; undefined is the program itself. */
type ParsedCommandLine =
  | { readonly type: 'print'; readonly text: string }
  | {
      readonly type: 'run'
      readonly command: string | undefined
      readonly flags: ReadonlyMap<string, readonly string[]>
    }

/**
 * Parses the arguments after the program's name. Values stay text.
 * @throws UsageError for unknown flags, commands and arguments, and for flags without their value
 */
export function parseCommandLine(program: ProgramShape, argv: readonly string[]): ParsedCommandLine {
  let printed = ''
  let chosen: Command | undefined
  let failed: CommandShape = program
  const root = new Command(program.name)
  root
    .version(program.version, '--version', 'print the version and exit')
    .enablePositionalOptions()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: (text) => (printed += text), writeErr: () => undefined })
  const shapes = new Map<Command, CommandShape>([[root, program]])
  for (const shape of program.commands) shapes.set(root.command(shape.name), shape)
  for (const [command, shape] of shapes) {
    command
      .description(shape.description)
      .helpOption('--help', 'print this help and exit')
      .exitOverride((error) => {
        failed = shape
        throw error
      })
      .action(() => {
        chosen = command
      })
    const { options, ignored = {} } = shape
    for (const [flag, spec] of Object.entries(options)) addOption(command, program.name, flag, spec)
    for (const [flag, spec] of Object.entries(ignored)) addOption(command, program.name, flag, spec, true)
  }
  try {
    root.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { type: 'print', text: printed }
    if (error.code === 'commander.excessArguments') {
      const stray = [...shapes.keys()].findLast((command) => command.args.length > 0)?.args[0]
      const commands = program.commands.map((shape) => shape.name)
      throw new UsageError(
        `unexpected argument ${JSON.stringify(stray)}, expected ${['options', ...commands].join(', ')}`,
      )
    }
    // Without the value of an unknown option, which may be a secret.
    const problem = oneLine(
      error.message.replace(/^error: /, '').replace(/^(unknown option '[^=]+)=.*'$/s, "$1'"),
    )
    throw new UsageError(`${problem}${suggestOption(error, failed)}`)
  }
  const shape = shapes.get(chosen ?? root) ?? program
  const [misplaced] = shape === program ? [] : collectFlags(root, program.options).keys()
  if (misplaced !== undefined)
    throw new UsageError(`--${misplaced} stands before ${shape.name}, expected after it`)
  return {
    type: 'run',
    command: shape === program ? undefined : shape.name,
    flags: collectFlags(chosen ?? root, shape.options),
  }
}

/** What an unknown option was probably meant for, for the end of the message. */
function suggestOption({ code, message }: CommanderError, { options }: CommandShape): string {
  const [, no = '', given = ''] = /'--(no-)?([^'=]+)/.exec(message) ?? []
  if (code !== 'commander.unknownOption') return ''
  const switches = Object.keys(options).filter((flag) => options[flag]?.kind.isSwitch)
  const names = findSimilarNames(given, no === '' ? Object.keys(options) : switches)
  return didYouMean(names.map((name) => `--${no}${name}`))
}

function addOption(
  command: Command,
  program: string,
  flag: string,
  spec: OptionSpec,
  isHidden = false,
): void {
  const placeholder = spec.placeholder ?? spec.kind.placeholder
  const notes = [
    spec.required ? 'required' : '',
    spec.list ? 'repeatable' : '',
    spec.kind.isSwitch ? `off: --no-${flag}` : '',
    spec.default === undefined ? '' : `default: ${[spec.default].flat().join(',')}`,
    `env: ${environmentName(program, flag)}`,
  ]
  const description = `${spec.description} (${notes.filter((note) => note !== '').join('; ')})`
  const flags = spec.kind.isSwitch ? `--${flag}` : `--${flag} <${placeholder}>`
  const group = `${spec.group ?? 'Options'}:`
  const option = new Option(flags, description).helpGroup(group).hideHelp(isHidden)
  if (!spec.kind.isSwitch)
    option.argParser((text, earlier: readonly string[] | undefined) => [...(earlier ?? []), text])
  command.addOption(option)
  if (spec.kind.isSwitch) command.addOption(new Option(`--no-${flag}`).helpGroup(group).hideHelp())
}

function collectFlags(command: Command, table: OptionTable): Map<string, readonly string[]> {
  const flags = new Map<string, readonly string[]>()
  for (const flag of Object.keys(table)) {
    const given: unknown = command.getOptionValue(new Option(`--${flag}`).attributeName())
    if (given !== undefined) flags.set(flag, [given].flat().map(String))
  }
  return flags
}
