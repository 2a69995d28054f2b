import { daemonsCpuSamplesOf, samplesOf } from '../compare-peers/look-up.js'
import type { Results } from '../compare-peers/results.js'
import { type Spread, spreadOf } from '../measure/statistics.js'
import { pairedRatios } from '../report/verdict.js'

export const [BASE, HEAD] = ['base', 'head'] as const

/** What the middle of all ratios may fall to. */
export const TOLERATED = 0.9

/** How one figure has changed. */
export interface Change {
  readonly title: string
  readonly base: Spread
  readonly head: Spread
  /** Within each repetition, so that more is better: head through base, or base through head where less is better. */
  readonly ratio: Spread
  readonly isWorse: boolean
}

/**
 * Holds the later commit against the earlier one, figure by figure. One is worse when the middle ratio is below what is tolerated and
 * no repetition saw it as good as before: what the spread explains is no finding.
 */
export function judgeChanges(results: Results): Change[] {
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
    ...changeOf(
      `${title}: CPU of both daemons, s/GB`,
      daemonsCpuSamplesOf(results, name, BASE),
      daemonsCpuSamplesOf(results, name, HEAD),
      false,
    ),
  ])
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
