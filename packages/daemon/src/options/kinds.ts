import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { OptionKind } from './option.js'

/** An option kind without the parts that rarely differ. */
interface CustomKind<Value> {
  readonly placeholder: string
  /** Completes "expected …". */
  readonly expected: string
  /** For invalid text: returns undefined, or throws an Error that says what is wrong. */
  readonly parse: (text: string) => Value | undefined
}

/** A kind with its own parser, for values that this package does not know. */
export function custom<Value>(kind: CustomKind<Value>): OptionKind<Value, ''> {
  return { ...kind, suffix: '' }
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
/** A Node timer can wait for at most 2^31 - 1 ms, slightly more than this. */
const MAX_DURATION = '596h'

/** Inclusive bounds of a duration, written like one: `100ms`, `20s`, `2m`, `1h`. */
interface DurationLimits {
  /** @default '0s' */
  readonly min?: string
  /** @default '596h' */
  readonly max?: string
}

/** A number with the unit `ms`, `s`, `m` or `h`. The value is in whole milliseconds, rounded. */
export function duration(limits: DurationLimits = {}): OptionKind<number, 'Ms'> {
  const { min = '0s', max = MAX_DURATION } = limits
  const [minMs, maxMs] = [readDurationMs(min), readDurationMs(max)]
  if (minMs === undefined || maxMs === undefined)
    throw new TypeError(`invalid limits of a duration: ${min}, ${max}`)
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

/** A decimal integer from `min` to `max`, both included. */
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

/** One of several words. */
export function oneOf<const Word extends string>(words: readonly Word[]): OptionKind<Word, ''> {
  return {
    placeholder: words.join('|'),
    expected: `one of ${words.join(', ')}`,
    parse: (text) => words.find((word) => word === text),
    suffix: '',
  }
}

/** A path, relative to the working directory if not absolute. Whether the file exists is not checked. */
export function filePath(): OptionKind<string, ''> {
  return {
    placeholder: 'FILE',
    expected: 'a path',
    parse: (text) => (text !== '' && !text.includes('\0') ? text : undefined),
    suffix: '',
  }
}

/** Text that a pattern matches as a whole. */
export function text(pattern: RegExp, expected: string, placeholder = 'TEXT'): OptionKind<string, ''> {
  const whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''))
  return { placeholder, expected, parse: (value) => (whole.test(value) ? value : undefined), suffix: '' }
}

/** A URL with a host and one of the schemes, given without colon: `url(['http', 'https'])`. Errors never show its password. */
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

/** A header field of an HTTP request. */
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
