import type { Daemon } from './daemon-definition.js'
import { isEnvironmentFailure, UsageError } from './errors.js'
import { FailureReport } from './failure-report.js'
import { type Invocation, readInvocation } from './invocation.js'
import { createLogger } from './logger.js'
import { environmentName } from './options/option.js'
import { Supervisor } from './supervisor.js'

/**
 * Runs the whole process of a daemon, for its `main.ts`: reads arguments and environment, logs to stdout, and starts the daemon.
 * SIGTERM and SIGINT stop it gracefully (a second one ends it at once with 128 + n), SIGHUP reloads it, an uncaught exception
 * is a fatal log line. SIGUSR1 and SIGUSR2 are ignored. Steps that `start` deferred run before the process ends.
 *
 * Exit codes: 0 stopped or done; 1 environment error or crash; 2 bad options. Bad options and environment errors at start are one
 * line on stderr. With a termination log the reason is left there too, whatever it is.
 */
export async function runDaemon(daemon: Daemon): Promise<void> {
  // The variable is known before a command line that cannot be read.
  const { [environmentName(daemon.name, 'termination-log')]: terminationLog } = process.env
  const report = new FailureReport(daemon.name, terminationLog)
  const invocation = tryReadInvocation(daemon, report)
  if (invocation === undefined) return
  if (invocation.type === 'print') {
    print(report, invocation.text)
    return
  }
  const { name, version } = daemon
  const supervisor = new Supervisor({
    name,
    version,
    ...createLogger(invocation.logger),
    report,
    isCommand: invocation.command !== undefined,
    isEnvironmentFailure: daemon.isEnvironmentFailure,
  })
  await supervisor.run(invocation.loaded)
}

/** Text that was asked for. A reader that has seen enough and left (`--help | head`) is no failure. */
function print(report: FailureReport, text: string): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    report.write(error)
    process.exitCode = 1
  })
  process.stdout.write(text)
}

function tryReadInvocation(daemon: Daemon, report: FailureReport): Invocation | undefined {
  try {
    return readInvocation(daemon, process.argv.slice(2), process.env, report)
  } catch (error) {
    if (!(error instanceof UsageError) && !isEnvironmentFailure(error)) throw error
    report.write(error)
    process.exitCode = error instanceof UsageError ? 2 : 1
    return undefined
  }
}
