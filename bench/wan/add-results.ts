import { BenchError } from '../measure/bench-error.js'
import type { WanResults, WanSample } from './wan-results.js'

/** The first repetition of the next run. It decides the seeds, so that a new run loses other packets. */
export function nextRepetition({ samples }: WanResults): number {
  return 1 + Math.max(-1, ...samples.map(({ repetition }) => repetition))
}

/** @throws BenchError ERR_BENCH_USAGE if a run has another commit or length than the earlier one */
export function checkAddable(earlier: WanResults, run: Pick<WanResults, 'environment' | 'settings'>): void {
  const [before, now] = [describeWhat(earlier), describeWhat(run)]
  if (before !== now) {
    throw new BenchError('ERR_BENCH_USAGE', `--add: this is ${now}, the existing results are ${before}`)
  }
}

/** Adds the samples of a further run to an earlier one, and keeps the environment of the earlier one. */
export function addResults(earlier: WanResults, later: WanResults): WanResults {
  const command = `${earlier.settings.command}; ${later.settings.command}`
  return {
    ...earlier,
    settings: { ...earlier.settings, command },
    links: union(earlier.links, later.links),
    variants: union(earlier.variants, later.variants),
    samples: [...earlier.samples, ...later.samples],
  }
}

/** The number of repetitions of a link. Each run has the same for all its links. */
export function repetitionsOf(samples: readonly WanSample[], linkName: string): number {
  return new Set(samples.filter((sample) => sample.linkName === linkName).map(({ repetition }) => repetition))
    .size
}

function describeWhat({ environment, settings }: Pick<WanResults, 'environment' | 'settings'>): string {
  const changes = environment.isDirty ? ' with changes' : ''
  return `commit ${environment.commit}${changes}, ${settings.seconds} s each`
}

function union<T extends { readonly name: string }>(some: readonly T[], more: readonly T[]): readonly T[] {
  return [...some, ...more.filter(({ name }) => !some.some((one) => one.name === name))]
}
