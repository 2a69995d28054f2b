import { getSystemErrorMap } from 'node:util'

/** The user's input is wrong: an option, its value, or a key of the configuration file. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'ERR_USAGE'
}

/** The input is right, but the environment prevents it: a port is in use, a file is missing. Exit code 1. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly code = 'ERR_ENVIRONMENT'
}

/**
 * Whether an error has its cause in the environment, not in a bug: an `EnvironmentError`, or anything with `code` and
 * `syscall`, as Node's system errors have. Such an error is reported in one line, without its stack.
 */
export function isEnvironmentFailure(error: unknown): error is Error {
  if (error instanceof EnvironmentError) return true
  return error instanceof Error && hasText(error, 'code') && hasText(error, 'syscall')
}

/** Why something failed, in one line: text and code of the system error if it is one, else the message. */
export function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error))
  const errno = 'errno' in error && typeof error.errno === 'number' ? error.errno : 0
  const known = getSystemErrorMap().get(-Math.abs(errno))
  if (known) return `${known[1]} (${known[0]})`
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(describeCause).join('; ')
  return oneLine(error.message || error.name)
}

/** Replaces line breaks by spaces, so that a message stays one line whatever it quotes. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ')
}

function hasText(error: object, key: string): boolean {
  return typeof Reflect.get(error, key) === 'string'
}
