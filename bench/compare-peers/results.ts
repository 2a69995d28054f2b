import type { Environment } from '../measure/environment.js'
import type { Role } from '../measure/peer-process.js'
import type { RunSettings } from '../measure/run-settings.js'
import type { Metric } from '../scenarios/scenario.js'

/** A run as written to `results.json`. Every table and picture of it is made from this. */
export interface Results {
  readonly environment: Environment
  readonly settings: RunSettings
  readonly peers: readonly PeerRecord[]
  readonly scenarios: readonly ScenarioRecord[]
  readonly samples: readonly Sample[]
  /** Scenarios that a peer does not support. */
  readonly skipped?: readonly Skipped[]
  readonly memory: readonly MemoryRecord[]
}

export interface PeerRecord {
  readonly name: string
  readonly title: string
  readonly isExternal: boolean
  readonly mtu: number
  readonly commands: readonly string[]
}

interface ScenarioRecord {
  readonly name: string
  readonly title: string
  readonly metrics: readonly Metric[]
}

export interface Skipped {
  readonly scenario: string
  readonly peer: string
  readonly reason: string
}

export interface Sample {
  readonly scenario: string
  readonly peer: string
  /** From 0. All peers are measured before the next repetition begins. */
  readonly repetition: number
  readonly startedAt: string
  readonly commands: readonly string[]
  /** Empty if the measurement failed. */
  readonly values: Readonly<Record<string, number>>
  /** Processor time of the peer's programs, user and kernel, from before the load until after it. */
  readonly cpuSeconds: Readonly<Partial<Record<Role, number>>>
  /** The same per gigabyte (10⁹ bytes) received, for scenarios with bulk data. */
  readonly cpuSecondsPerGigabyte?: Readonly<Partial<Record<Role, number>>>
  /** Share of the machine's processor time that the programs of all other peers used meanwhile. */
  readonly idlePeersShare: number
  /** Share of it that the hypervisor gave to other guests. */
  readonly stolenShare: number
  readonly error?: string
}

export interface MemoryRecord {
  readonly peer: string
  readonly role: Role
  /** Connected, before the first load. */
  readonly idleRssBytes: number
  /** The maximum since its start. */
  readonly peakRssBytes: number
  /** After the last load. */
  readonly finalRssBytes: number
}
