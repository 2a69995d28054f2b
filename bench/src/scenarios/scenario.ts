import type { Load } from '../peers/peer.js'
import type { Stage } from '../stage.js'

/** One figure that a scenario yields. */
export interface Metric {
  readonly key: string
  readonly title: string
  readonly unit: string
  readonly isHigherBetter: boolean
  /** Zero is a result like any other. @default false: it means that nothing was measured */
  readonly isZeroFine?: boolean
}

export interface Measurement {
  /** The command lines of the programs that measured. */
  readonly commands: readonly string[]
  /** One for every metric of the scenario. */
  readonly values: Readonly<Record<string, number>>
  /** What the receiver got; CPU time is reported per byte of it. @default CPU time is not reported */
  readonly carriedBytes?: number
}

/** One way to load a path and what is measured of it. */
export interface Scenario {
  /** As `--only` and the results name it. */
  readonly name: string
  readonly title: string
  readonly metrics: readonly Metric[]
  /** What a peer has to carry for it. */
  readonly load: Load
  /** Wants programs that have carried nothing yet: a stage of its own for every measurement. @default false */
  readonly isFresh?: boolean
  run(stage: Stage, seconds: number): Promise<Measurement>
}
