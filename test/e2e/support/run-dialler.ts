import { fileURLToPath } from 'node:url'
import type { Host } from '@reversed-vpn/test/lab'

/** What the program is told. */
export interface DiallerTask {
  readonly proxy: DialledTls | { readonly path: string }
  /** `HOST:PORT` of the CONNECT. */
  readonly target: string
  /** Dials, one after another. */
  readonly count: number
}

interface DialledTls {
  readonly host: string
  readonly port: number
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

interface DiallerReport {
  /** How often what came first: what the target said in one read, or `error: ` and the reason. */
  readonly outcomes: Readonly<Record<string, number>>
  /** All dials together. */
  readonly ms: number
}

const PROGRAM = fileURLToPath(new URL('./dialler-program.js', import.meta.url))

/** Dials from a host as kube-apiserver does. */
export async function runDialler(from: Host, task: DiallerTask): Promise<DiallerReport> {
  const { stdout } = await from.mustRun(process.execPath, [PROGRAM, JSON.stringify(task)], {
    deadlineMs: 60_000,
  })
  return JSON.parse(stdout)
}
