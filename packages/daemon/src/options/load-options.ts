import { isDeepStrictEqual } from 'node:util'
import { UsageError } from '../errors.js'
import type { ConfigFile } from './config-file.js'
import {
  environmentName,
  type OptionSpec,
  type OptionTable,
  type OptionValues,
  propertyName,
} from './option.js'

/** Where values come from, in order of precedence: flag, environment variable, file. The default comes last. */
export interface OptionSources {
  /** The program's name, the prefix of its environment variables. */
  readonly program: string
  /** Values on the command line, by flag name. */
  readonly flags: ReadonlyMap<string, readonly string[]>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly file?: ConfigFile
}

export interface LoadedOptions<Table extends OptionTable> {
  /** Frozen, including its lists. */
  readonly values: OptionValues<Table>
  /**
   * A UsageError about an option that is well-formed but not possible: says its value, where that came from, and what is wrong.
   */
  readonly optionError: (flag: keyof Table & string, problem: string) => UsageError
  /** Whether somebody has said the value, which is no default then. */
  readonly isGiven: (flag: keyof Table & string) => boolean
}

const DEFAULT_ORIGIN = 'default'

interface Given {
  readonly texts: readonly string[]
  readonly origin: string
}

/**
 * Takes every option of a table from the first source that has it, and parses it. A variable that is set but empty counts as not
 * set.
 *
 * @throws UsageError for the first value that is invalid or required option that is missing
 */
export function loadOptions<Table extends OptionTable>(
  table: Table,
  sources: OptionSources,
): LoadedOptions<Table> {
  const values: Record<string, unknown> = {}
  const givens = new Map<string, Given>()
  for (const [flag, spec] of Object.entries(table)) {
    const given = findGiven(flag, spec, sources)
    if (given) givens.set(flag, given)
    values[propertyName(flag, spec)] = parseOption(flag, spec, given, sources)
  }
  return {
    // The mapped type and the loop above follow the same naming rules, which TypeScript cannot see.
    values: Object.freeze(values) as OptionValues<Table>,
    optionError: (flag, problem) => {
      const spec = table[flag]
      const given = givens.get(flag)
      const shown = spec && given ? describeGiven(flag, spec, given) : `--${flag}`
      return new UsageError(`${shown}: ${problem}`)
    },
    isGiven: (flag) => (givens.get(flag)?.origin ?? DEFAULT_ORIGIN) !== DEFAULT_ORIGIN,
  }
}

/** The flags whose values differ. */
export function changedOptions<Table extends OptionTable>(
  table: Table,
  before: OptionValues<Table>,
  after: OptionValues<Table>,
): string[] {
  const read = (values: object, flag: string, spec: OptionSpec): unknown =>
    Reflect.get(values, propertyName(flag, spec))
  return Object.entries(table).flatMap(([flag, spec]) =>
    isDeepStrictEqual(read(before, flag, spec), read(after, flag, spec)) ? [] : [flag],
  )
}

function findGiven(flag: string, spec: OptionSpec, sources: OptionSources): Given | undefined {
  const texts = sources.flags.get(flag)
  if (texts) return { texts: splitList(texts, spec, ','), origin: 'command line' }

  const variable = environmentName(sources.program, flag)
  const text = sources.environment[variable]
  if (text !== undefined && text !== '')
    return { texts: splitList([text], spec, '\n'), origin: `environment ${variable}` }

  const entry = sources.file?.entries.get(flag)
  if (entry && sources.file) {
    const origin = `${sources.file.path}:${entry.line}`
    if (entry.isSequence && !spec.list)
      throw new UsageError(`--${flag} (${origin}): expected one value, not a sequence`)
    return { texts: entry.isSequence ? entry.texts : splitList(entry.texts, spec, ','), origin }
  }
  if (spec.default === undefined) return undefined
  const defaults = typeof spec.default === 'string' ? splitList([spec.default], spec, ',') : spec.default
  return { texts: defaults, origin: DEFAULT_ORIGIN }
}

/** Values that may contain commas are split only in the environment, at line breaks. */
function splitList(
  texts: readonly string[],
  spec: OptionSpec,
  commaSubstitute: ',' | '\n',
): readonly string[] {
  if (!spec.list) return texts
  if (!spec.kind.mayHoldCommas) return texts.flatMap((text) => text.split(',').map((item) => item.trim()))
  if (commaSubstitute === ',') return texts
  return texts.flatMap((text) => text.split('\n')).filter((line) => line.trim() !== '')
}

function parseOption(
  flag: string,
  spec: OptionSpec,
  given: Given | undefined,
  sources: OptionSources,
): unknown {
  if (given === undefined) {
    if (!spec.required) return spec.list ? Object.freeze([]) : undefined
    const twin = environmentName(sources.program, flag)
    throw new UsageError(`--${flag} (or ${twin}) is not given, expected ${spec.kind.expected}`)
  }
  if (spec.list) return Object.freeze(given.texts.map((text) => parseText(flag, spec, text, given.origin)))
  // A repeated flag that is not a list: the last one counts, so that a wrapper script can override it.
  return parseText(flag, spec, given.texts.at(-1) ?? '', given.origin)
}

function parseText(flag: string, spec: OptionSpec, text: string, origin: string): unknown {
  let problem = ''
  try {
    const value = spec.kind.parse(text)
    if (value !== undefined) return value
  } catch (error) {
    problem = `${error instanceof Error ? error.message : String(error)}, `
  }
  const shown = describeGiven(flag, spec, { texts: [text], origin })
  throw new UsageError(`${shown}: ${problem}expected ${spec.kind.expected}`)
}

const MAX_SHOWN_LENGTH = 120

function describeGiven(flag: string, spec: OptionSpec, given: Given): string {
  const redacted = given.texts.map((text) => (spec.kind.redact ? spec.kind.redact(text) : text)).join(',')
  const shown = redacted.length > MAX_SHOWN_LENGTH ? `${redacted.slice(0, MAX_SHOWN_LENGTH)}…` : redacted
  return `--${flag} ${JSON.stringify(shown)} (${given.origin})`
}
