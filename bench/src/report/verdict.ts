import { spreadOf } from '../measure/statistics.js'
import { table } from './table.js'

/** At least or at most, one of both. */
export interface Limits {
  readonly atLeast?: number | undefined
  readonly atMost?: number | undefined
}

/** What is aimed at, beside what was measured. */
export interface Verdict {
  readonly title: string
  /** What was measured, in the words of the table; undefined when it was not. */
  readonly measured: string | undefined
  /** What it has to be. */
  readonly target: string
  readonly isMet: boolean
  /** What would be better still. */
  readonly reach?: { readonly target: string; readonly isMet: boolean }
}

/** The ratios within each repetition: what drifts on the machine cancels out. @param own, base values by repetition */
export function pairedRatios(own: ReadonlyMap<number, number>, base: ReadonlyMap<number, number>): number[] {
  return [...own].flatMap(([repetition, value]) => {
    const baseValue = base.get(repetition)
    return baseValue === undefined || baseValue === 0 ? [] : [value / baseValue]
  })
}

/** Judges the median of some values. @param note stands behind their spread */
export function judge(
  title: string,
  values: readonly number[],
  limits: Limits & { readonly reachFor?: Limits | undefined },
  note = '',
): Verdict {
  const spread = spreadOf(values)
  const { reachFor } = limits
  return {
    title,
    measured:
      spread && `${spread.median.toFixed(2)} (${spread.min.toFixed(2)}–${spread.max.toFixed(2)}${note})`,
    target: describeLimits(limits),
    isMet: isWithin(spread?.median, limits),
    ...(reachFor === undefined
      ? {}
      : { reach: { target: describeLimits(reachFor), isMet: isWithin(spread?.median, reachFor) } }),
  }
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const met = (isMet: boolean) => (isMet ? 'met' : '**not met**')
  const rows = verdicts.map(({ title, measured, target, isMet, reach }) => {
    const further = reach === undefined ? ['', ''] : [reach.target, met(reach.isMet)]
    return [title, measured ?? 'not measured', target, met(isMet), ...further]
  })
  return table(['', 'measured', 'has to be', '', 'reach for', ''], rows)
}

function describeLimits({ atLeast, atMost }: Limits): string {
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`
}

function isWithin(value: number | undefined, { atLeast, atMost }: Limits): boolean {
  const least = atLeast ?? Number.NEGATIVE_INFINITY
  return value !== undefined && value >= least && value <= (atMost ?? Number.POSITIVE_INFINITY)
}
