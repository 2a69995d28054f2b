import type { Daemon } from './daemon-definition.js'
import { isEnvironmentFailure, UsageError } from './errors.js'
import { type Invocation, readInvocation } from './invocation.js'
import { createLogger } from './logger.js'
import { Supervisor, writeFailure } from './supervisor.js'

/**
 * The whole of a daemon's process, for its `main.ts`: reads arguments and environment, logs to stdout, starts, and answers
 * SIGTERM and SIGINT with a graceful stop (a second one ends at once with 128 + n), SIGHUP with a reload, and exceptions
 * nobody caught with a fatal log line. Whatever `start` deferred is undone before the process ends.
 *
 * Exit codes: 0 stopped or done; 1 this machine does not play along, or a crash; 2 bad options. Bad options and what the
 * machine refuses at start are one line on stderr.
 */
export async function runDaemon(daemon: Daemon): Promise<void> {
  const invocation = tryReadInvocation(daemon)
  if (invocation === undefined) return
  if (invocation.type === 'print') {
    process.stdout.write(invocation.text)
    return
  }
  const { name, version } = daemon
  const supervisor = new Supervisor({
    name,
    version,
    log: createLogger(invocation.logger),
    isCommand: invocation.command !== undefined,
    isEnvironmentFailure: daemon.isEnvironmentFailure,
  })
  await supervisor.run(invocation.loaded)
}

function tryReadInvocation(daemon: Daemon): Invocation | undefined {
  try {
    return readInvocation(daemon, process.argv.slice(2), process.env)
  } catch (error) {
    if (!(error instanceof UsageError) && !isEnvironmentFailure(error)) throw error
    writeFailure(daemon.name, error)
    process.exitCode = error instanceof UsageError ? 2 : 1
    return undefined
  }
}
