import { fileURLToPath } from 'node:url'
import type { LabProcess } from '@reversed-vpn/test/lab'
import { BenchError } from '../src/measure/bench-error.js'
import type { Stage } from '../src/stage.js'

/** What the program on the caller is told, beside where to go. */
export type EgressTask =
  /** So many at a time, each a connection of its own, with one small request. */
  | { readonly manner: 'connects'; readonly parallel: number; readonly milliseconds: number }
  | { readonly manner: 'download' | 'upload'; readonly milliseconds: number }
  /** All stay open; in turn they ask for a page, so many a second together. */
  | {
      readonly manner: 'idle'
      readonly streams: number
      readonly asksPerSecond: number
      readonly milliseconds: number
    }

/** Its only argument, as JSON. */
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

/** What it reports in the end: figures by name. */
export type EgressReport = Readonly<Record<string, number>>

export const WEB_PORT = 80
export const BULK_PORT = 5301

const PROGRAM = fileURLToPath(new URL('./load-program.js', import.meta.url))
const GRACE_MS = 30_000

/** Starts the load on the caller. @param isRouted goes to the pod without the egress proxy and without TLS */
export function startEgressLoad(stage: Stage, task: EgressTask, isRouted = false): Promise<LabProcess> {
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

/** In place of a command line, which would hold nothing but where files lie. */
export function describeTask(task: EgressTask, isRouted = false): string {
  const words = Object.entries(task).map(([key, value]) => `${key} ${value}`)
  return `bench/egress/load-program ${words.join(', ')}${isRouted ? ', routed' : ''}`
}

function portOf({ manner }: EgressTask): number {
  return manner === 'download' || manner === 'upload' ? BULK_PORT : WEB_PORT
}

function routed({ podAddress }: Stage, podPort: number) {
  return { host: podAddress, port: podPort }
}

function proxied({ path, podAddress, certificates, peer }: Stage, podPort: number) {
  const { egress } = path
  if (egress === undefined) throw new TypeError(`${peer.name} has no way for callers with TLS`)
  const { apiserver, egressCa } = certificates
  return {
    host: egress.address,
    port: egress.portFor(podPort),
    target: egress.takesConnect ? `${podAddress}:${podPort}` : undefined,
    tls: { ...apiserver, caFile: egressCa.certFile, serverName: 'seed' },
  }
}
