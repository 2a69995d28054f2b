import { fileURLToPath } from 'node:url'
import type { Host, LabProcess, ShootCertificates } from '@reversed-vpn/test/lab'
import { BenchError } from '../measure/bench-error.js'
import { BULK_PORT, WEB_PORT } from './ports.js'

/** What the program on the caller does. */
export type EgressTask =
  /** Connections with one small request each, `parallel` of them at a time. */
  | { readonly kind: 'connects'; readonly parallel: number; readonly milliseconds: number }
  | { readonly kind: 'download' | 'upload'; readonly milliseconds: number }
  /** Streams that stay open and request a page in turn, at this rate for all of them together. */
  | {
      readonly kind: 'idle'
      readonly streams: number
      readonly requestsPerSecond: number
      readonly milliseconds: number
    }
  /** Downloads of that many bytes at once, with every byte compared. The first `stillStreams` of them read nothing at first. */
  | {
      readonly kind: 'many'
      readonly streams: number
      readonly bytesEach: number
      readonly stillStreams: number
      readonly stillMilliseconds: number
      /** What is not there by then counts as missing. */
      readonly milliseconds: number
    }
  /** A connection with one small request at fixed times, whether or not those before it are answered, until SIGTERM. */
  | { readonly kind: 'paced'; readonly everyMilliseconds: number; readonly milliseconds: number }

/** The only argument of that program, as JSON. */
export type EgressOrder = EgressTask & {
  readonly host: string
  readonly port: number
  readonly target?: string | undefined
  readonly tls?:
    | {
        readonly certFile: string
        readonly keyFile: string
        readonly caFile: string
        readonly serverName: string
      }
    | undefined
}

/** What the program reports at its end: figures by name. */
export type EgressReport = Readonly<Record<string, number>>

/** Where callers with mutual TLS enter a path into the shoot. */
export interface EgressEntry {
  readonly address: string
  /** The seed's port for each of the pod's. */
  portFor(podPort: number): number
  /** Whether a CONNECT names the pod. If not, the port alone decides. */
  readonly takesConnect: boolean
}

/** What a load needs of the stage it runs on. */
interface EgressStage {
  readonly caller: Host
  readonly podAddress: string
  readonly certificates: Pick<ShootCertificates, 'apiserver' | 'egressCa'>
  readonly path: { readonly egress?: EgressEntry }
}

const PROGRAM = fileURLToPath(new URL('./load-program.js', import.meta.url))
const GRACE_MS = 30_000

/** Starts the load on the caller. @param isRouted connects to the pod without the egress proxy and without TLS */
export function startEgressLoad(stage: EgressStage, task: EgressTask, isRouted = false): Promise<LabProcess> {
  const order = { ...task, ...(isRouted ? routed(stage, portOf(task)) : proxied(stage, portOf(task))) }
  return stage.caller.spawn(process.execPath, [PROGRAM, JSON.stringify(order)])
}

/** @throws BenchError ERR_BENCH_MEASUREMENT when a stream failed, LabError when the program did */
export async function egressReportOf(program: LabProcess, task: EgressTask): Promise<EgressReport> {
  const [, what, rest = ''] = await program.waitForLine(/^(report|failed) (.*)$/, {
    deadlineMs: task.milliseconds + GRACE_MS,
  })
  if (what === 'report') return JSON.parse(rest)
  throw new BenchError('ERR_BENCH_MEASUREMENT', `${describeTask(task)}: ${rest}`)
}

/** Stands for the command line, which has nothing more than file names. */
export function describeTask(task: EgressTask, isRouted = false): string {
  const words = Object.entries(task).map(([key, value]) => `${key} ${value}`)
  return `bench/egress/load-program ${words.join(', ')}${isRouted ? ', routed' : ''}`
}

function portOf({ kind }: EgressTask): number {
  return kind === 'download' || kind === 'upload' || kind === 'many' ? BULK_PORT : WEB_PORT
}

function routed({ podAddress }: EgressStage, podPort: number) {
  return { host: podAddress, port: podPort }
}

function proxied({ path: { egress }, podAddress, certificates }: EgressStage, podPort: number) {
  if (egress === undefined) throw new TypeError('the path has no entry for callers with TLS')
  const { apiserver, egressCa } = certificates
  return {
    host: egress.address,
    port: egress.portFor(podPort),
    target: egress.takesConnect ? `${podAddress}:${podPort}` : undefined,
    tls: { ...apiserver, caFile: egressCa.certFile, serverName: 'seed' },
  }
}
