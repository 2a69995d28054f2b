import { type Logger, pino } from 'pino'
import { PinoPretty } from 'pino-pretty'

export type { Logger } from 'pino'

/** The levels a daemon may be asked to log at, most talkative first; `silent` logs nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** `json` for machines, one object a line; `pretty` for people. */
export const LOG_FORMATS = ['json', 'pretty'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

export interface LoggerOptions {
  /** The daemon's name, a field of every line. */
  readonly name: string
  readonly level: LogLevel
  readonly format: LogFormat
}

const STDOUT_FD = 1

/**
 * A logger that writes to stdout before it returns, so that the last line before an exit is never lost. `time` is ISO 8601,
 * `level` a word, errors belong under `err`. Children carry their component: `log.child({ component: 'listener' })`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const destination =
    options.format === 'pretty'
      ? PinoPretty({ destination: STDOUT_FD, sync: true, colorize: process.stdout.isTTY === true })
      : pino.destination({ dest: STDOUT_FD, sync: true })
  return pino(
    {
      level: options.level,
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
}

/** Logs one line per key and interval; see `rateLimited`. */
export type RateLimitedLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  key: string,
  fields: object,
  message: string,
) => void

/** So many keys are remembered; beyond that the one that logged longest ago is forgotten and may log again early. */
const MAX_RATE_LIMIT_KEYS = 1024

/**
 * Logs what may repeat: the first of each key at once, then at most one per interval, which says in `suppressed` how many
 * were left out since. For what is rare but comes in floods when it comes; what comes per packet is counted, not logged.
 *
 * @param nowMs a clock that never runs backwards, in milliseconds
 */
export function rateLimited(
  log: Logger,
  intervalMs: number,
  nowMs: () => number = () => performance.now(),
): RateLimitedLog {
  const seen = new Map<string, { loggedAtMs: number; suppressed: number }>()
  return (level, key, fields, message) => {
    const last = seen.get(key)
    const atMs = nowMs()
    if (last !== undefined && atMs - last.loggedAtMs < intervalMs) {
      last.suppressed += 1
      return
    }
    // Deleted first, so that the map stays in order of logging and its head is the oldest.
    seen.delete(key)
    seen.set(key, { loggedAtMs: atMs, suppressed: 0 })
    if (seen.size > MAX_RATE_LIMIT_KEYS) {
      for (const oldest of seen.keys()) {
        seen.delete(oldest)
        break
      }
    }
    const suppressed = last?.suppressed ?? 0
    log[level](suppressed > 0 ? { ...fields, suppressed } : fields, message)
  }
}
