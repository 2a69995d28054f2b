import { type Logger, pino } from 'pino'
import { PinoPretty } from 'pino-pretty'

export type { Logger } from 'pino'

/** Log levels, most verbose first; `silent` logs nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
type LogLevel = (typeof LOG_LEVELS)[number]

/** `json` for machines, one object per line; `pretty` for people. */
export const LOG_FORMATS = ['json', 'pretty'] as const
type LogFormat = (typeof LOG_FORMATS)[number]

export interface LoggerOptions {
  /** The daemon's name, a field of every line. */
  readonly name: string
  readonly level: LogLevel
  readonly format: LogFormat
}

const STDOUT_FD = 1

/**
 * A logger that writes to stdout synchronously, so that the last line before an exit is never lost. `time` is ISO 8601, `level` is a
 * word, errors belong under `err`. Children name their component: `log.child({ component: 'listener' })`.
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
type RateLimitedLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  key: string,
  fields: object,
  message: string,
) => void

/** So many keys may log per interval: a flood from ever new sources must not become a flood of lines. */
const MAX_KEYS_PER_INTERVAL = 1024

/**
 * Limits what may repeat: the first line of each key is logged at once, then at most one per interval, with the number of lines left
 * out since in `suppressed`. For rare events that come in floods when they come; what happens per packet is counted, not logged.
 *
 * @param nowMs a monotonic clock in milliseconds
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
    if (last === undefined && seen.size >= MAX_KEYS_PER_INTERVAL) {
      const [oldest] = seen
      if (oldest !== undefined && atMs - oldest[1].loggedAtMs < intervalMs) return
      if (oldest !== undefined) seen.delete(oldest[0])
    }
    // Deleted first, so that the map stays in the order of logging.
    seen.delete(key)
    seen.set(key, { loggedAtMs: atMs, suppressed: 0 })
    const suppressed = last?.suppressed ?? 0
    log[level](suppressed > 0 ? { ...fields, suppressed } : fields, message)
  }
}
