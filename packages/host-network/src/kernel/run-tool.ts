import { type ExecFileException, execFile } from 'node:child_process'
import { type FailedCommand, NetworkError } from '../network-error.js'

/** The Debian package that holds each tool. */
const PACKAGE_OF = {
  ip: 'iproute2',
  nft: 'nftables',
  'iptables-legacy': 'iptables',
  'ip6tables-legacy': 'iptables',
} as const
type NetworkTool = keyof typeof PACKAGE_OF

/** A listing of a node with very many routes takes about a second; nothing here waits for the network. */
const DEADLINE_MS = 10_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

// Fixed, so that a daemon with capabilities runs no stranger's `ip`; C, so that messages are the ones documented.
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

/**
 * Runs a tool to its end, without a shell.
 *
 * @param input written to stdin, which is then closed
 * @returns what it wrote to stdout
 * @throws NetworkError ERR_NETWORK_COMMAND, ERR_NETWORK_COMMAND_TIMEOUT or ERR_NETWORK_TOOL_MISSING
 */
export async function runTool(tool: NetworkTool, args: readonly string[], input = ''): Promise<string> {
  const { error, stdout, stderr } = await execute(tool, args, input)
  if (error !== null) throw toNetworkError(tool, args, input, error, stderr)
  return stdout
}

interface ToolResult {
  readonly error: ExecFileException | null
  readonly stdout: string
  readonly stderr: string
}

function execute(tool: NetworkTool, args: readonly string[], input: string): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = execFile(
      tool,
      args,
      { env: ENVIRONMENT, timeout: DEADLINE_MS, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES },
      (error, stdout, stderr) => resolve({ error, stdout, stderr }),
    )
    // A tool that ends before it has read all of stdin is judged by its exit status.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

interface IpBatchOptions {
  /** What a line means that names no family. */
  readonly family?: 4 | 6
  /** Run the lines behind one that fails as well; the batch fails nevertheless. @default false */
  readonly keepGoing?: boolean
}

/** Runs the lines as one `ip -batch`; nothing at all when there are none. @throws NetworkError as `runTool` */
export async function runIpBatch(lines: readonly string[], options: IpBatchOptions = {}): Promise<void> {
  if (lines.length === 0) return
  const flags = [
    ...(options.family === undefined ? [] : [`-${options.family}`]),
    ...(options.keepGoing === true ? ['-force'] : []),
  ]
  await runTool('ip', [...flags, '-batch', '-'], `${lines.join('\n')}\n`)
}

/** Runs a listing of `ip -json`; objects without content, which some listings hold, are left out. */
export async function readIpJson<T extends object>(args: readonly string[]): Promise<T[]> {
  const text = await runTool('ip', ['-json', ...args])
  const items = text.trim() === '' ? [] : (JSON.parse(text) as T[])
  return items.filter((item) => Object.keys(item).length > 0)
}

/** Runs several listings of one family in one process; what each lists. @throws NetworkError as `runTool` */
export async function readIpJsonBatch(family: 4 | 6, lines: readonly string[]): Promise<object[][]> {
  const text = await runTool('ip', [`-${family}`, '-json', '-batch', '-'], `${lines.join('\n')}\n`)
  const listings = text.split('\n').filter((line) => line !== '')
  return listings.map((listing) =>
    (JSON.parse(listing) as object[]).filter((item) => Object.keys(item).length > 0),
  )
}

/** What a line of `ip` says: what it lists, or the words in which it was refused. */
export type IpAnswer = readonly object[] | string

/**
 * Asks several questions of one family in one process; that one is refused is an answer. Every line has to list something where
 * it is not refused, which not every `ip` does with routes that are not there.
 *
 * @throws NetworkError as `runTool`
 */
export async function askIpJsonBatch(family: 4 | 6, lines: readonly string[]): Promise<IpAnswer[]> {
  if (lines.length === 0) return []
  const args = [`-${family}`, '-json', '-force', '-batch', '-']
  const input = `${lines.join('\n')}\n`
  const { error, stdout, stderr } = await execute('ip', args, input)
  const answers = readIpAnswers(stdout, stderr, lines.length)
  if (answers !== undefined) return answers
  throw toNetworkError('ip', args, input, error ?? new Error('not every line was answered'), stderr)
}

/** `undefined` where listings and refusals are not as many as the lines. */
export function readIpAnswers(stdout: string, stderr: string, lines: number): IpAnswer[] | undefined {
  const refusals = new Map<number, string>()
  let words = ''
  for (const line of stderr.split('\n')) {
    const failed = /^Command failed .*:(\d+)$/.exec(line)
    if (failed === null) words ||= line.replace(/^RTNETLINK answers: /, '')
    else refusals.set(Number(failed[1]), words || 'no message')
    if (failed !== null) words = ''
  }
  const listings = stdout.split('\n').filter((line) => line !== '')
  if (listings.length + refusals.size !== lines) return undefined
  return Array.from({ length: lines }, (_, index) => {
    return refusals.get(index + 1) ?? (JSON.parse(listings.shift() ?? '[]') as object[])
  })
}

function toNetworkError(
  tool: NetworkTool,
  args: readonly string[],
  input: string,
  error: ExecFileException,
  stderr: string,
): NetworkError {
  const command = [tool, ...args].join(' ')
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  const inputLine = findInputLine(input, stderr)
  const failed: FailedCommand = {
    command,
    stderrLine: lines[0] ?? '',
    ...(typeof error.code === 'number' ? { exitStatus: error.code } : {}),
    ...(inputLine === undefined ? {} : { inputLine }),
  }
  if (error.code === 'ENOENT') {
    return new NetworkError(
      'ERR_NETWORK_TOOL_MISSING',
      `${tool} is not installed (Debian package ${PACKAGE_OF[tool]})`,
      { failed, cause: error },
    )
  }
  if (error.killed === true) {
    return new NetworkError('ERR_NETWORK_COMMAND_TIMEOUT', `${command} took longer than ${DEADLINE_MS} ms`, {
      failed,
      cause: error,
    })
  }
  const where = inputLine === undefined ? command : `${command}, line "${inputLine}"`
  const status = failed.exitStatus ?? error.signal ?? error.code ?? 'unknown'
  return new NetworkError(
    'ERR_NETWORK_COMMAND',
    `${where} failed with status ${status}: ${failed.stderrLine || 'no message'}`,
    { failed, cause: error },
  )
}

/** `ip` says `Command failed -:3`, `nft` says `/dev/stdin:3:7-12: Error`. */
function findInputLine(input: string, stderr: string): string | undefined {
  const match = /Command failed -:(\d+)|\/dev\/stdin:(\d+):/.exec(stderr)
  const lineNumber = match?.[1] ?? match?.[2]
  return lineNumber === undefined ? undefined : input.split('\n')[Number(lineNumber) - 1]?.trim()
}
