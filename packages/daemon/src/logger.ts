import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { LogOutput } from './log-output.js'

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
const FATAL = 60

/** A logger of the process, and what became of its lines. */
interface ProcessLog {
  readonly log: Logger
  /** Lines dropped so far because stdout did not take them. */
  readonly droppedLines: () => number
}

/**
 * A logger that writes to stdout as `LogOutput` does: at once, so that the last line before an exit is not lost, and without ever
 * blocking. `time` is ISO 8601, `level` is a word, errors belong under `err`. Children name their component:
 * `log.child({ component: 'listener' })`.
 */
export function createLogger(options: LoggerOptions): ProcessLog {
  const output = new LogOutput({
    fd: STDOUT_FD,
    onFlowing: (dropped) => log.warn({ dropped }, 'log lines were dropped, stdout did not take them'),
  })
  const log = pino(
    {
      level: options.level,
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destinationOf(output, options.format),
  )
  return { log, droppedLines: () => output.dropped }
}

function destinationOf(output: LogOutput, format: LogFormat) {
  const pretty = prettyFactory({ colorize: isatty(STDOUT_FD) })
  return {
    // Asks pino to set lastLevel before each write.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string) {
      output.write(format === 'pretty' ? pretty(line) : line, this.lastLevel >= FATAL)
    },
  }
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
 * Limits what may repeat: the first line of each key is logged at once, then at most one per interval, with the number of
 * lines left out since in `suppressed`. For rare events that come in floods when they come; what happens per packet is
 * counted, not logged.
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
