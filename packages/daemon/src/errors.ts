import { getSystemErrorMap } from 'node:util'

/** What the user wrote is wrong: an option, its value, or a key of the configuration file. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'ERR_USAGE'
}

/** What the user wrote is fine, but this machine does not play along: a port in use, a file missing. Exit code 1. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly code = 'ERR_ENVIRONMENT'
}

/**
 * Whether an error is the machine's doing rather than a bug: an `EnvironmentError`, or anything that carries `code` and
 * `syscall` as Node's own system errors do. Such an error is told in one line, without its stack.
 */
export function isEnvironmentFailure(error: unknown): error is Error {
  if (error instanceof EnvironmentError) return true
  return error instanceof Error && hasText(error, 'code') && hasText(error, 'syscall')
}

/** Why something failed, in one line: the kernel's or resolver's words and code where there are any, else the message. */
export function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error))
  const errno = 'errno' in error && typeof error.errno === 'number' ? error.errno : 0
  const known = getSystemErrorMap().get(-Math.abs(errno))
  if (known) return `${known[1]} (${known[0]})`
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(describeCause).join('; ')
  return oneLine(error.message || error.name)
}

/** Folds line breaks, so that a message stays one line whatever it quotes. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ')
}

function hasText(error: object, key: string): boolean {
  return typeof Reflect.get(error, key) === 'string'
}
