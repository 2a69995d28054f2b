import { daemonsCpuSamplesOf, samplesOf } from '../compare-peers/look-up.js'
import type { Results } from '../compare-peers/results.js'
import { type Spread, spreadOf } from '../measure/statistics.js'
import { pairedRatios } from '../report/verdict.js'

export const [BASE, HEAD] = ['base', 'head'] as const

/** The median ratio may fall to this. */
export const TOLERATED = 0.97

/** The change of one figure. */
interface Change {
  readonly title: string
  readonly base: Spread
  readonly head: Spread
  /** Within each repetition, so that more is better: head / base, or base / head where a lower value is better. */
  readonly ratio: Spread
  readonly isWorse: boolean
}

/**
 * Compares head with base, figure by figure. A figure is worse if the median ratio is below what is tolerated and the change is
 * beyond noise: in no repetition was head as good as base.
 * @param hasCpu adds the processor time of the daemons per gigabyte
 */
export function judgeChanges(results: Results, hasCpu: boolean): Change[] {
  return results.scenarios.flatMap(({ name, title, metrics }) => [
    ...metrics
      .filter(({ isZeroFine = false }) => !isZeroFine)
      .flatMap(({ key, title: what, unit, isHigherBetter }) =>
        changeOf(
          `${title}: ${what}, ${unit}`,
          samplesOf(results, { scenario: name, metric: key, peer: BASE }),
          samplesOf(results, { scenario: name, metric: key, peer: HEAD }),
          isHigherBetter,
        ),
      ),
    ...(hasCpu ? cpuChangeOf(results, name, title) : []),
  ])
}

function cpuChangeOf(results: Results, scenario: string, title: string): Change[] {
  return changeOf(
    `${title}: CPU of both daemons, s/GB`,
    daemonsCpuSamplesOf(results, scenario, BASE),
    daemonsCpuSamplesOf(results, scenario, HEAD),
    false,
  )
}

function changeOf(
  title: string,
  baseSamples: ReadonlyMap<number, number>,
  headSamples: ReadonlyMap<number, number>,
  isHigherBetter: boolean,
): Change[] {
  const [base, head] = [baseSamples, headSamples].map((samples) => spreadOf([...samples.values()]))
  const ratio = spreadOf(
    isHigherBetter ? pairedRatios(headSamples, baseSamples) : pairedRatios(baseSamples, headSamples),
  )
  if (base === undefined || head === undefined || ratio === undefined) return []
  return [{ title, base, head, ratio, isWorse: ratio.median < TOLERATED && ratio.max < 1 }]
}
