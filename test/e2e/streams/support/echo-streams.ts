import { fileURLToPath } from 'node:url'
import type { LabProcess } from '@reversed-vpn/test/lab'
import type { TunnelLab } from '../../support/tunnel-lab.js'

/** What the program is told. */
export interface EchoLoad {
  readonly count: number
  /** `HOST:PORT` of the CONNECTs, where what is said comes back. */
  readonly target: string
  /** Said on each, as fast as it is taken; then its half is ended. @default noise without an end, a little at a time */
  readonly bytes?: number
  readonly proxyHost: string
  readonly proxyPort: number
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

export interface EchoReport {
  /** Streams whose every byte came back, in order, before the end. */
  readonly intact: number
  /** All that came back. */
  readonly heardBytes: number
  /** Each kind once, with how often it came. */
  readonly failures: readonly string[]
}

const PROGRAM = fileURLToPath(new URL('./echo-streams-program.js', import.meta.url))
const DEADLINE_MS = 120_000

/** Starts streams on the caller. Resolves when all are open. */
export async function startEchoStreams(
  stage: TunnelLab,
  load: Pick<EchoLoad, 'count' | 'target' | 'bytes'>,
): Promise<LabProcess> {
  const { apiserver, egressCa } = stage.certificates
  const whole: EchoLoad = {
    ...load,
    proxyHost: 'seed',
    proxyPort: 9443,
    certFile: apiserver.certFile,
    keyFile: apiserver.keyFile,
    caFile: egressCa.certFile,
  }
  const program = await stage.hosts.caller.spawn(process.execPath, [PROGRAM, JSON.stringify(whole)])
  await program.waitForLine(/^all open$/, { deadlineMs: DEADLINE_MS })
  return program
}

/** Waits until each stream that runs has heard something that it says from now on. */
export async function untilAllFlow(program: LabProcess): Promise<void> {
  const fromLine = program.output.length
  program.kill('SIGUSR2')
  await program.waitForLine(/^all flow$/, { fromLine, deadlineMs: DEADLINE_MS })
}

/** Has so many streams say a tail and end their halves at once. Resolves when they were told, not when all has been sent. */
export async function endSome(program: LabProcess): Promise<void> {
  const fromLine = program.output.length
  program.kill('SIGUSR1')
  await program.waitForLine(/^ended some$/, { fromLine, deadlineMs: DEADLINE_MS })
}

/** Waits until all streams have ended. */
export async function endReportOf(program: LabProcess): Promise<EchoReport> {
  const [, report = ''] = await program.waitForLine(/^report (.*)$/, { deadlineMs: DEADLINE_MS })
  return JSON.parse(report)
}
