import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { PROGRAMS_DIR } from '@reversed-vpn/test/kubernetes/binaries'
import { runCommand } from '@reversed-vpn/test/lab'

/** The machine and the programs of a run. */
export interface Environment {
  readonly commit: string
  /** The tree had uncommitted changes. */
  readonly isDirty: boolean
  readonly startedAt: string
  readonly node: string
  readonly openssl: string
  readonly kernel: string
  readonly cpu: string
  readonly processors: number
  readonly memoryBytes: number
  /** The version line of each program. */
  readonly programs: Readonly<Record<string, string>>
  readonly tcpCongestion: string
}

const VERSIONS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  openvpn: ['openvpn', '--version'],
  haproxy: ['haproxy', '-v'],
  tinyproxy: ['tinyproxy', '-v'],
  iperf3: ['iperf3', '--version'],
  sockperf: ['sockperf', '--version'],
}

/** Built here, from modules of their own. */
const GO_PROGRAMS: readonly string[] = ['wireguard-go', 'proxy-server']

/** Asks the machine and the programs. What they do not answer is `unknown`. */
export async function describeEnvironment(): Promise<Environment> {
  const [commit, changes, tcpCongestion, ...versions] = await Promise.all([
    firstLineOf('git', ['rev-parse', 'HEAD']),
    runCommand('git', ['status', '--porcelain', '--untracked-files=no']),
    firstLineOf('sysctl', ['-n', 'net.ipv4.tcp_congestion_control']),
    ...Object.entries(VERSIONS).map(async ([name, [program, ...args]]): Promise<[string, string]> => {
      return [name, await firstLineOf(program, args)]
    }),
    ...GO_PROGRAMS.map(async (name): Promise<[string, string]> => [name, await goModuleOf(name)]),
  ])
  return {
    commit,
    isDirty: changes.stdout.trim() !== '',
    startedAt: new Date().toISOString(),
    node: process.version,
    openssl: process.versions.openssl,
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    processors: cpus().length,
    memoryBytes: totalmem(),
    programs: Object.fromEntries(versions),
    tcpCongestion,
  }
}

/** The module of a Go program, with its version. */
async function goModuleOf(name: string): Promise<string> {
  try {
    const { stdout } = await runCommand('go', ['version', '-m', join(PROGRAMS_DIR, name)])
    const [, module, version] = /^\s*mod\s+(\S+)\s+(\S+)/m.exec(stdout) ?? []
    return module === undefined ? 'unknown' : `${module} ${version}`
  } catch {
    return 'unknown'
  }
}

async function firstLineOf(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await runCommand(program, args)
    const line = stdout.split('\n').find((one) => /\d/.test(one) || /^[a-z]+$/.test(one))
    return plain(line ?? 'unknown')
  } catch {
    return 'unknown'
  }
}

/** Without the colours that some programs print even to a pipe. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern has to match the escape character
  return text.replaceAll(/\u001b\[[\d;]*m/g, '').trim()
}
