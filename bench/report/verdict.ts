import { spreadOf } from '../measure/statistics.js'
import { table } from './table.js'

/** A lower or an upper limit. */
export interface Limits {
  readonly atLeast?: number | undefined
  readonly atMost?: number | undefined
}

/** A target and the measured value. */
export interface Verdict {
  readonly title: string
  /** As the table shows it; undefined if it was not measured. */
  readonly measured: string | undefined
  readonly target: string
  readonly isMet: boolean
  /** A second, harder target. */
  readonly stretch?: { readonly target: string; readonly isMet: boolean }
}

/** The ratios within each repetition, so that drift of the machine cancels out. @param own, base values by repetition */
export function pairedRatios(own: ReadonlyMap<number, number>, base: ReadonlyMap<number, number>): number[] {
  return [...own].flatMap(([repetition, value]) => {
    const baseValue = base.get(repetition)
    return baseValue === undefined || baseValue === 0 ? [] : [value / baseValue]
  })
}

/** Judges the median of some values. @param note added after their spread */
export function judge(
  title: string,
  values: readonly number[],
  limits: Limits & { readonly stretch?: Limits | undefined },
  note = '',
): Verdict {
  const spread = spreadOf(values)
  const { stretch } = limits
  return {
    title,
    measured:
      spread && `${spread.median.toFixed(2)} (${spread.min.toFixed(2)}–${spread.max.toFixed(2)}${note})`,
    target: describeLimits(limits),
    isMet: isWithin(spread?.median, limits),
    ...(stretch === undefined
      ? {}
      : { stretch: { target: describeLimits(stretch), isMet: isWithin(spread?.median, stretch) } }),
  }
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const met = (isMet: boolean) => (isMet ? 'met' : '**not met**')
  const rows = verdicts.map(({ title, measured, target, isMet, stretch }) => {
    const further = stretch === undefined ? ['', ''] : [stretch.target, met(stretch.isMet)]
    return [title, measured ?? 'not measured', target, met(isMet), ...further]
  })
  return table(['', 'measured', 'target', '', 'stretch', ''], rows)
}

function describeLimits({ atLeast, atMost }: Limits): string {
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`
}

function isWithin(value: number | undefined, { atLeast, atMost }: Limits): boolean {
  const least = atLeast ?? Number.NEGATIVE_INFINITY
  return value !== undefined && value >= least && value <= (atMost ?? Number.POSITIVE_INFINITY)
}
