import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { OptionKind } from './option.js'

/** What `custom` takes: an option kind without the parts that hardly ever differ. */
export interface CustomKind<Value> {
  readonly placeholder: string
  /** Completes "expected …". */
  readonly expected: string
  /** Returns undefined, or throws an Error that says what is wrong, for text that does not fit. */
  readonly parse: (text: string) => Value | undefined
}

/** A kind with a parser of its own, for what this package knows nothing of. */
export function custom<Value>(kind: CustomKind<Value>): OptionKind<Value, ''> {
  return { ...kind, suffix: '' }
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
/** The longest a Node timer can wait is 2^31 - 1 ms, a little more than this. */
const MAX_DURATION = '596h'

/** Inclusive bounds of a duration, written like one: `100ms`, `20s`, `2m`, `1h`. */
export interface DurationLimits {
  /** @default '0s' */
  readonly min?: string
  /** @default '596h' */
  readonly max?: string
}

/** A number and a unit of `ms`, `s`, `m` or `h`; the value is in milliseconds, rounded to whole ones. */
export function duration(limits: DurationLimits = {}): OptionKind<number, 'Ms'> {
  const { min = '0s', max = MAX_DURATION } = limits
  const [minMs, maxMs] = [readDurationMs(min), readDurationMs(max)]
  if (minMs === undefined || maxMs === undefined)
    throw new TypeError(`bad limits of a duration: ${min}, ${max}`)
  return {
    placeholder: 'DURATION',
    expected: `a duration such as 100ms, 20s or 2m, between ${min} and ${max}`,
    parse: (text) => {
      const valueMs = readDurationMs(text)
      return valueMs !== undefined && valueMs >= minMs && valueMs <= maxMs ? valueMs : undefined
    },
    suffix: 'Ms',
  }
}

function readDurationMs(text: string): number | undefined {
  const match = /^(\d{1,10}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(text)
  const unitMs = UNIT_MS[match?.[2] ?? '']
  return unitMs === undefined ? undefined : Math.round(Number(match?.[1]) * unitMs)
}

/** A decimal integer between `min` and `max`, both included. */
export function integer(min: number, max: number): OptionKind<number, ''> {
  return {
    placeholder: 'N',
    expected: `an integer of ${min}–${max}`,
    parse: (text) => {
      const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
      return value >= min && value <= max ? value : undefined
    },
    suffix: '',
  }
}

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** One port or two with a hyphen: `443`, `30000-32767`. */
export function portRange(): OptionKind<PortRange, ''> {
  return {
    placeholder: 'PORT[-PORT]',
    expected: 'a port of 1–65535 or a range such as 30000-32767',
    parse: (text) => {
      const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
      const first = Number(match?.[1])
      const last = Number(match?.[2] ?? match?.[1])
      return first >= 1 && first <= last && last <= 65535 ? Object.freeze({ first, last }) : undefined
    },
    suffix: '',
  }
}

/** On or off: `--name` and `--no-name`; `true` and `false` in environment and file. Without a default it may be undefined. */
export function boolean(): OptionKind<boolean, ''> {
  return {
    placeholder: '',
    expected: 'true or false',
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
    suffix: '',
    isSwitch: true,
  }
}

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): OptionKind<Word, ''> {
  return {
    placeholder: words.join('|'),
    expected: `one of ${words.join(', ')}`,
    parse: (text) => words.find((word) => word === text),
    suffix: '',
  }
}

/** A path, relative ones to the working directory. Whether the file is there is for its reader to find out. */
export function filePath(): OptionKind<string, ''> {
  return {
    placeholder: 'FILE',
    expected: 'a path',
    parse: (text) => (text !== '' && !text.includes('\0') ? text : undefined),
    suffix: '',
  }
}

/** Text that matches a pattern as a whole. */
export function text(pattern: RegExp, expected: string, placeholder = 'TEXT'): OptionKind<string, ''> {
  const whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''))
  return { placeholder, expected, parse: (value) => (whole.test(value) ? value : undefined), suffix: '' }
}

/** A URL with a host and one of the schemes, written without colon: `url(['http', 'https'])`. Errors never show its password. */
export function url(schemes: readonly string[]): OptionKind<URL, ''> {
  return {
    placeholder: 'URL',
    expected: `a URL of scheme ${schemes.join(', ')}`,
    parse: (value) => {
      if (!URL.canParse(value)) return undefined
      const parsed = new URL(value)
      return schemes.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== '' ? parsed : undefined
    },
    suffix: '',
    redact: (value) => value.replace(/^([a-z][a-z0-9+.-]*:\/*)?.*@/is, '$1***@'),
  }
}

/** A field to send with an HTTP request. */
export interface HttpHeader {
  readonly name: string
  readonly value: string
}

/** `Name: value` (RFC 9110 §5: the name is a token, the value has no CR, LF or NUL). Errors never show the value. */
export function httpHeader(): OptionKind<HttpHeader, ''> {
  return {
    placeholder: "'NAME: VALUE'",
    expected: "a header such as 'Name: value' without line breaks",
    parse: (text) => {
      const colon = text.indexOf(':')
      if (colon < 1) return undefined
      const [name, value] = [text.slice(0, colon), text.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')]
      try {
        validateHeaderName(name)
        validateHeaderValue(name, value)
      } catch {
        return undefined
      }
      return Object.freeze({ name, value })
    },
    suffix: '',
    mayHoldCommas: true,
    redact: (value) => value.replace(/[:\s].*$/s, ': ***'),
  }
}
