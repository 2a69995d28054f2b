import { BenchError } from '../src/measure/bench-error.js'
import type { WanResults, WanSample } from './wan-results.js'

/** The repetition that the next run of some links begins with, so that it loses other packets than those before. */
export function nextRepetition({ samples }: WanResults): number {
  return 1 + Math.max(-1, ...samples.map(({ repetition }) => repetition))
}

/** @throws BenchError ERR_BENCH_USAGE where a run would not measure the same as an earlier one did */
export function checkAddable(earlier: WanResults, run: Pick<WanResults, 'environment' | 'settings'>): void {
  const [before, now] = [describeWhat(earlier), describeWhat(run)]
  if (before !== now) {
    throw new BenchError('ERR_BENCH_USAGE', `--add: this is ${now}, what is there already is ${before}`)
  }
}

/** Puts the samples of a further run beside those of an earlier one, whose environment stays. */
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

/** How many repetitions there are of each link: those of a run are the same for all that it measured. */
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
