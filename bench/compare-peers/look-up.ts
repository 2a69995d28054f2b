import type { Role } from '../measure/peer-process.js'
import { type Spread, spreadOf } from '../measure/statistics.js'
import type { Results } from './results.js'

/** A figure of one peer in one scenario. */
interface Figure {
  readonly scenario: string
  readonly metric: string
  readonly peer: string
}

/** The samples of a figure by repetition, without failed ones. */
export function samplesOf(results: Results, figure: Figure): Map<number, number> {
  const own = results.samples.filter(
    ({ scenario, peer }) => scenario === figure.scenario && peer === figure.peer,
  )
  return new Map(
    own.flatMap(({ repetition, values }): [number, number][] => {
      const value = values[figure.metric]
      return value === undefined ? [] : [[repetition, value]]
    }),
  )
}

export function spreadOfFigure(results: Results, figure: Figure): Spread | undefined {
  return spreadOf([...samplesOf(results, figure).values()])
}

/** Processor seconds per gigabyte of one process of a peer, for each sample that has them. */
export function cpuSamplesOf(results: Results, scenario: string, peer: string, role: Role): number[] {
  return results.samples
    .filter((sample) => sample.scenario === scenario && sample.peer === peer)
    .map(({ cpuSecondsPerGigabyte }) => cpuSecondsPerGigabyte?.[role])
    .filter((value) => value !== undefined)
}

/** Processor seconds per gigabyte of both daemons of a peer together, by repetition. */
export function daemonsCpuSamplesOf(results: Results, scenario: string, peer: string): Map<number, number> {
  const own = results.samples.filter((sample) => sample.scenario === scenario && sample.peer === peer)
  return new Map(
    own.flatMap(({ repetition, cpuSecondsPerGigabyte: cpu }): [number, number][] => {
      const { seed, shoot } = cpu ?? {}
      return seed === undefined || shoot === undefined ? [] : [[repetition, seed + shoot]]
    }),
  )
}
