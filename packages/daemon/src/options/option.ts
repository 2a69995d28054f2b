/**
 * How text becomes a value. For invalid text `parse` returns undefined, or throws an Error that says in a few words what is
 * wrong; the user sees `expected` in either case.
 */
export interface OptionKind<Value, Suffix extends '' | 'Ms' = '' | 'Ms'> {
  /** The value in the help: `HOST:PORT`. */
  readonly placeholder: string
  /** Completes "expected …". */
  readonly expected: string
  readonly parse: (text: string) => Value | undefined
  /** The unit, appended to the property's name. */
  readonly suffix: Suffix
  /** Has no value on the command line: `--name` and `--no-name`. */
  readonly isSwitch?: boolean
  /** Values may contain commas, so a list is not split there; in the environment it has one value per line. */
  readonly mayHoldCommas?: boolean
  /** The part of a value that may contain a secret which error messages may show. */
  readonly redact?: (text: string) => string
}

/** One option of a daemon. Its flag is its key in the table: `--tls-cert`. */
export interface OptionSpec<Value = unknown> {
  readonly kind: OptionKind<Value>
  readonly description: string
  /** Heading in the help. @default 'Options' */
  readonly group?: string
  /** As a user writes it. Lists: comma-separated, or an array. */
  readonly default?: string | readonly string[]
  /** May be given several times; the value is an array, empty if not given. */
  readonly list?: boolean
  /** Must be given. @default false */
  readonly required?: boolean
  /** Replaces the kind's placeholder in the help. */
  readonly placeholder?: string
}

/** Options by flag name, in the order of the help. */
export type OptionTable = Readonly<Record<string, OptionSpec>>

type CamelCase<Flag extends string> = Flag extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Flag

type ValueOf<Spec extends OptionSpec> =
  Spec['kind'] extends OptionKind<infer Value>
    ? Spec extends { readonly list: true }
      ? readonly Value[]
      : Spec extends { readonly required: true } | { readonly default: string }
        ? Value
        : Value | undefined
    : never

/** The values of a table: `tls-cert` is `tlsCert`, a duration `keepalive` is `keepaliveMs`. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Flag in keyof Table & string as `${CamelCase<Flag>}${Table[Flag]['kind']['suffix']}`]: ValueOf<
    Table[Flag]
  >
}

/**
 * Freezes a table of options and checks its names, which are kebab-case.
 * @throws TypeError when the table itself is wrong
 */
export function defineOptions<const Table extends OptionTable>(table: Table): Table {
  for (const [flag, spec] of Object.entries(table)) {
    if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(flag)) throw new TypeError(`option ${flag} is not kebab-case`)
    if (spec.required && spec.default !== undefined)
      throw new TypeError(`option ${flag} is required and has a default`)
    Object.freeze(spec)
  }
  return Object.freeze(table)
}

/** `tls-cert` → `tlsCert`, with the unit of its kind. */
export function propertyName(flag: string, spec: OptionSpec): string {
  return flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) + spec.kind.suffix
}

/** `seed-server`, `tls-cert` → `SEED_SERVER_TLS_CERT`. */
export function environmentName(program: string, flag: string): string {
  return `${program}_${flag}`.toUpperCase().replaceAll('-', '_')
}
