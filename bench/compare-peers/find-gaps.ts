import type { Results } from './results.js'

/** What a run failed to measure: one line for each figure that is missing, zero or not a number. */
export function findGaps(results: Results): string[] {
  return [...sampleGaps(results), ...memoryGaps(results)]
}

function sampleGaps({ peers, scenarios, samples, settings, skipped = [] }: Results): string[] {
  const gaps: string[] = []
  for (const peer of peers) {
    for (const scenario of scenarios) {
      if (skipped.some((one) => one.peer === peer.name && one.scenario === scenario.name)) continue
      const own = samples.filter((sample) => sample.peer === peer.name && sample.scenario === scenario.name)
      const where = `${scenario.name} ${peer.name}`
      if (own.length < settings.repetitions)
        gaps.push(`${where}: ${own.length} of ${settings.repetitions} samples`)
      for (const { values, error, repetition } of own) {
        if (error !== undefined) gaps.push(`${where} #${repetition + 1}: ${error}`)
        const empty = scenario.metrics.filter(({ key, isZeroFine }) => !isFigure(values[key], isZeroFine))
        gaps.push(...empty.map(({ key }) => `${where} #${repetition + 1}: ${key} is ${values[key]}`))
      }
    }
  }
  return gaps
}

function memoryGaps({ memory }: Results): string[] {
  return memory.flatMap(({ peer, role, idleRssBytes, peakRssBytes, finalRssBytes }) =>
    Object.entries({ idleRssBytes, peakRssBytes, finalRssBytes })
      .filter(([, bytes]) => !isFigure(bytes))
      .map(([key, bytes]) => `memory ${peer} ${role}: ${key} is ${bytes}`),
  )
}

function isFigure(value: number | undefined, isZeroFine = false): boolean {
  return value !== undefined && Number.isFinite(value) && (value > 0 || (isZeroFine && value === 0))
}
