import { spawn } from 'node:child_process'
import { constants as osConstants } from 'node:os'
import { LabError } from './lab-error.js'

/** What a finished command said, and its exit code: 128 and the signal's number when a signal ended it, as in a shell. */
export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

export interface RunOptions {
  /** Written to standard input, which is then closed. @default nothing */
  readonly input?: string | undefined
  /** Set on top of this process's environment. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly cwd?: string | undefined
  /** The command is killed and `run` rejects after that. @default 60000 */
  readonly deadlineMs?: number | undefined
}

/**
 * Runs a command to its end; any exit code is a result.
 *
 * @throws LabError ERR_LAB_DEADLINE when it took too long, ERR_LAB_COMMAND when it could not be started
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const deadlineMs = options.deadlineMs ?? 60_000
  const { promise, resolve, reject } = deferred<CommandResult>()
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: 'pipe',
  })
  let stdout = ''
  let stderr = ''
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    reject(
      new LabError(
        'ERR_LAB_DEADLINE',
        `${shown(command, args)} took longer than ${deadlineMs} ms\n${stderr}`,
      ),
    )
  }, deadlineMs)
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.on('error', (cause) => {
    clearTimeout(timer)
    reject(new LabError('ERR_LAB_COMMAND', `${command} could not be started`, { cause }))
  })
  child.on('close', (code, signal) => {
    clearTimeout(timer)
    resolve({ stdout, stderr, code: code ?? 128 + signalNumber(signal) })
  })
  // A command that does not read its input to the end closes the pipe: its exit code tells what that means.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  return promise
}

/**
 * Runs a command that has to succeed.
 *
 * @throws LabError ERR_LAB_COMMAND with its output when its exit code is not 0
 */
export async function mustRunCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const result = await runCommand(command, args, options)
  if (result.code === 0) return result
  const input = options.input === undefined ? '' : `\ninput:\n${options.input}`
  throw new LabError(
    'ERR_LAB_COMMAND',
    `${shown(command, args)} ended with ${result.code}\n${result.stderr}${result.stdout}${input}`,
  )
}

export function deferred<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue
    reject = onReason
  })
  return { promise, resolve, reject }
}

function shown(command: string, args: readonly string[]): string {
  return [command, ...args].join(' ')
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : osConstants.signals[signal]
}
