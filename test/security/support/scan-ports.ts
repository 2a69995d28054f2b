import { fileURLToPath } from 'node:url'
import type { Host } from '@reversed-vpn/test/lab'

export interface ScanPlan {
  readonly host: string
  /** From the first to the last of each, both included. */
  readonly ranges: readonly (readonly [first: number, last: number])[]
  /** How long some hundred ports at a time have to answer. */
  readonly waitMs: number
}

export interface ScanReport {
  /** Ports that took a connection, refused one, or sent a datagram back. */
  readonly answered: readonly number[]
}

const PROGRAM = fileURLToPath(new URL('./port-scan.js', import.meta.url))

/** Knocks at every port, over TCP and UDP. */
export async function scanPorts(from: Host, plan: ScanPlan): Promise<ScanReport> {
  const { stdout } = await from.mustRun(process.execPath, [PROGRAM, JSON.stringify(plan)], {
    deadlineMs: 300_000,
  })
  return JSON.parse(stdout) as ScanReport
}
