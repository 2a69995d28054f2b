/** Median and range of a set of samples. */
export interface Spread {
  readonly count: number
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @returns undefined for no samples */
export function spreadOf(samples: readonly number[]): Spread | undefined {
  if (samples.length === 0) return undefined
  return {
    count: samples.length,
    median: median(samples),
    min: Math.min(...samples),
    max: Math.max(...samples),
  }
}

/** The middle sample, or the mean of the two in the middle. NaN for no samples. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((left, right) => left - right)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

export function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length
}

/** The smallest sample that is not exceeded by at least `percent` of all (nearest rank). NaN for no samples. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((left, right) => left - right)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}

/** The smallest duration such that those up to it make up at least `percent` of the total time. NaN for none. */
export function percentileOfTime(durations: readonly number[], percent: number): number {
  const sorted = [...durations].sort((left, right) => left - right)
  const all = sorted.reduce((sum, duration) => sum + duration, 0)
  let passed = 0
  for (const duration of sorted) {
    passed += duration
    if (passed >= (percent / 100) * all) return duration
  }
  return Number.NaN
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** The slope of the straight line through the points (least squares), in units of y per unit of x. */
export function slopeOf(points: readonly Point[]): number {
  const meanX = mean(points.map(({ x }) => x))
  const meanY = mean(points.map(({ y }) => y))
  let covariance = 0
  let variance = 0
  for (const { x, y } of points) {
    covariance += (x - meanX) * (y - meanY)
    variance += (x - meanX) ** 2
  }
  return variance === 0 ? 0 : covariance / variance
}
