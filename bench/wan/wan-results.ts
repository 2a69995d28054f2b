import type { WanStatistics } from '@reversed-vpn/test/lab'
import type { Environment } from '../measure/environment.js'
import type { Role } from '../measure/peer-process.js'
import type { RunSettings } from '../measure/run-settings.js'
import type { WanLinkSetting } from './wan-links.js'
import type { Congestion } from './wan-variants.js'

/** The figures of every variant over every link, in the order of the tables. */
export const WAN_FIGURES = {
  oneStreamMegabits: '1 stream, Mbit/s',
  eightStreamsMegabits: '8 streams, Mbit/s',
  idlePingMs: 'ping idle, ms',
  loadedPingP50AboveMs: 'under load p50, ms above idle',
  loadedPingP95AboveMs: 'under load p95, ms above idle',
  pageMs: 'page, ms',
} as const
export type WanFigure = keyof typeof WAN_FIGURES

/** A run as written to `wan.json`. */
export interface WanResults {
  readonly environment: Environment
  readonly settings: RunSettings
  readonly links: readonly WanLinkSetting[]
  readonly variants: readonly VariantRecord[]
  readonly samples: readonly WanSample[]
}

export interface VariantRecord {
  readonly name: string
  readonly title: string
  readonly peer: string
  /** Of the connections through the tunnel. */
  readonly inner: Congestion
  /** Of the tunnel's own connections; undefined without a tunnel. */
  readonly outer?: Congestion
}

export interface WanSample {
  readonly linkName: string
  readonly variant: string
  /** From 0. */
  readonly repetition: number
  readonly startedAt: string
  /** Empty if the measurement failed. */
  readonly values: Readonly<Partial<Record<WanFigure, number>>>
  /** Of the peer's programs, then of the measuring programs. */
  readonly commands: readonly string[]
  /** Processor time of the peer's programs during the one stream. */
  readonly cpuSeconds?: Readonly<Partial<Record<Role, number>>>
  /** Shares of the machine's processor time meanwhile: of the link's program and of the hypervisor. */
  readonly linkShare?: number
  readonly stolenShare?: number
  /** Counters of the link over all measurements of the sample. */
  readonly link?: WanStatistics
  readonly error?: string
}

/** What a run failed to measure, one line each. Packets that the link missed count, because they falsify the rest. */
export function findWanGaps({ samples }: WanResults): string[] {
  return samples.flatMap(({ linkName, variant, repetition, values, link, error }) => {
    const where = `${linkName}, ${variant} #${repetition + 1}`
    if (error !== undefined) return [`${where}: ${error}`]
    const missing = (Object.keys(WAN_FIGURES) as WanFigure[]).filter((key) => {
      const value = values[key]
      const isDifference = key.endsWith('AboveMs')
      return value === undefined || !Number.isFinite(value) || (value <= 0 && !isDifference)
    })
    const missed = (link?.toShoot.missed ?? 0) + (link?.toSeed.missed ?? 0)
    return [
      ...missing.map((key) => `${where}: ${key} is ${values[key]}`),
      ...(missed > 0 ? [`${where}: the link was too slow for ${missed} packets`] : []),
    ]
  })
}
