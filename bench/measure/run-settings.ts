/** How long and how often a run measures. */
export interface RunSettings {
  readonly seconds: number
  readonly repetitions: number
  /** The command line of the benchmark itself. */
  readonly command: string
}
