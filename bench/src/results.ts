import type { Environment } from './measure/environment.js'
import type { Role } from './peers/peer.js'
import type { Metric } from './scenarios/scenario.js'

/** A run as it is written to `results.json`. Everything else that is shown of it is made from this. */
export interface Results {
  readonly environment: Environment
  readonly settings: RunSettings
  readonly peers: readonly PeerRecord[]
  readonly scenarios: readonly ScenarioRecord[]
  readonly samples: readonly Sample[]
  /** What was not measured because the peer cannot have part in it. */
  readonly skipped?: readonly Skipped[]
  readonly memory: readonly MemoryRecord[]
}

export interface RunSettings {
  readonly seconds: number
  readonly repetitions: number
  /** The command line of the benchmark itself. */
  readonly command: string
}

export interface PeerRecord {
  readonly name: string
  readonly title: string
  readonly isExternal: boolean
  readonly mtu: number
  readonly commands: readonly string[]
}

export interface ScenarioRecord {
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
  /** From 0. All peers have their turn before the next repetition begins. */
  readonly repetition: number
  readonly startedAt: string
  readonly commands: readonly string[]
  /** Empty when the measurement failed. */
  readonly values: Readonly<Record<string, number>>
  /** Processor time of the peer's programs in user space and kernel, from before the load to after it. */
  readonly cpuSeconds: Readonly<Partial<Record<Role, number>>>
  /** The same for each gigabyte (10⁹ bytes) received, where the scenario carries bulk data. */
  readonly cpuSecondsPerGigabyte?: Readonly<Partial<Record<Role, number>>>
  /** Share of the machine's processor time that the programs of all other peers took meanwhile. */
  readonly idlePeersShare: number
  /** Share of it that the hypervisor gave to others. */
  readonly stolenShare: number
  readonly error?: string
}

export interface MemoryRecord {
  readonly peer: string
  readonly role: Role
  /** Connected, before the first load. */
  readonly idleRssBytes: number
  /** The most since it started, all loads included. */
  readonly peakRssBytes: number
  /** After the last load. */
  readonly finalRssBytes: number
}
