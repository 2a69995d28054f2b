import { fileURLToPath } from 'node:url'
import type { LabProcess } from '@reversed-vpn/test/lab'
import type { TunnelLab } from '../../e2e/support/tunnel-lab.js'

/** What the program is told. */
export interface ConnectLoad {
  /**
   * `one-after-another`: each ends before the next begins. `together`: all are open before the first says something. `quiet`:
   * as these, and none says anything before SIGUSR2. `unread`: all ask for a large page and don't read it, until the program is
   * ended.
   */
  readonly manner: 'one-after-another' | 'together' | 'quiet' | 'unread'
  readonly count: number
  /** How many are opened at a time, where they are together. @default all */
  readonly width?: number
  /** `HOST:PORT` of the CONNECTs. */
  readonly target: string
  readonly proxyHost: string
  readonly proxyPort: number
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

export interface ConnectReport {
  readonly answered: number
  /** Each kind once, with how often it came. */
  readonly failures: readonly string[]
  /** From the first packet to the 200. */
  readonly p50Ms: number
  readonly p99Ms: number
}

const PROGRAM = fileURLToPath(new URL('./connect-program.js', import.meta.url))

/** Starts the load on the caller. */
export function startConnectLoad(
  stage: TunnelLab,
  load: Pick<ConnectLoad, 'manner' | 'count' | 'target' | 'width'>,
): Promise<LabProcess> {
  const { apiserver, egressCa } = stage.certificates
  const whole: ConnectLoad = {
    ...load,
    proxyHost: 'seed',
    proxyPort: 9443,
    certFile: apiserver.certFile,
    keyFile: apiserver.keyFile,
    caFile: egressCa.certFile,
  }
  return stage.hosts.caller.spawn(process.execPath, [PROGRAM, JSON.stringify(whole)])
}

export async function connectReportOf(program: LabProcess, deadlineMs = 300_000): Promise<ConnectReport> {
  const [, report = ''] = await program.waitForLine(/^report (.*)$/, { deadlineMs })
  return JSON.parse(report)
}
