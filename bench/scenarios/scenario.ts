import type { Load } from '../peers/peer.js'
import type { Stage } from '../peers/stage.js'

/** One figure that a scenario yields. */
export interface Metric {
  readonly key: string
  readonly title: string
  readonly unit: string
  readonly isHigherBetter: boolean
  /** Whether zero is a valid result. @default false: zero means that nothing was measured */
  readonly isZeroFine?: boolean
}

interface Measurement {
  /** The command lines of the programs that measured. */
  readonly commands: readonly string[]
  /** One for every metric of the scenario. */
  readonly values: Readonly<Record<string, number>>
  /** CPU time is reported per byte received. @default CPU time is not reported */
  readonly receivedBytes?: number
}

/** A load for a path and the figures measured under it. */
export interface Scenario {
  /** As `--only` and the results name it. */
  readonly name: string
  readonly title: string
  readonly metrics: readonly Metric[]
  /** The kind of load that a peer must support. */
  readonly load: Load
  /** Whether each measurement gets a new stage, with programs that had no load before. @default false */
  readonly isFresh?: boolean
  run(stage: Stage, seconds: number): Promise<Measurement>
}
