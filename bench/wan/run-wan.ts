import { describeEnvironment } from '../measure/environment.js'
import { log } from '../measure/progress.js'
import type { RunSettings } from '../measure/run-settings.js'
import { addResults, checkAddable, nextRepetition } from './add-results.js'
import { measureWan, type WanTimes } from './measure-wan.js'
import { describeLink, type WanLinkSetting } from './wan-links.js'
import type { WanResults, WanSample } from './wan-results.js'
import { WanStage } from './wan-stage.js'
import { variantName, variantTitle, type WanVariant } from './wan-variants.js'

interface WanRunOptions {
  readonly links: readonly WanLinkSetting[]
  readonly variants: readonly WanVariant[]
  readonly settings: RunSettings
  readonly times: WanTimes
  /** Results of the same commit, to which these are added. */
  readonly earlier?: WanResults | undefined
}

/** Each direction of a link uses its own seed, counted up from the given one. */
const SEEDS_APART = 10

/**
 * Measures every variant over every link, repetition by repetition. The variants of a link follow each other, so that drift of
 * the machine affects them alike. A failed one is recorded with its error, and the run continues.
 * @throws BenchError ERR_BENCH_USAGE if the earlier results have another commit or length
 */
export async function runWan(options: WanRunOptions): Promise<WanResults> {
  const { links, variants, settings, earlier } = options
  const environment = await describeEnvironment()
  if (earlier !== undefined) checkAddable(earlier, { environment, settings })
  const firstRepetition = earlier === undefined ? 0 : nextRepetition(earlier)
  const samples: WanSample[] = []
  const total = settings.repetitions * links.length * variants.length
  for (let count = 0; count < settings.repetitions; count++) {
    const repetition = firstRepetition + count
    for (const link of links) {
      for (const variant of variants) {
        const sample = await measureOne(link, variant, repetition, options.times)
        samples.push(sample)
        log(
          `[${samples.length}/${total}] ${describeLink(link)}: ${variantTitle(variant)}: ${describe(sample)}`,
        )
      }
    }
  }
  const results = {
    environment,
    settings,
    links,
    variants: variants.map((variant) => {
      const { peer, inner, outer } = variant
      const record = { name: variantName(variant), title: variantTitle(variant), peer: peer.name, inner }
      return peer.isTunnel ? { ...record, outer } : record
    }),
    samples,
  }
  return earlier === undefined ? results : addResults(earlier, results)
}

async function measureOne(
  link: WanLinkSetting,
  variant: WanVariant,
  repetition: number,
  times: WanTimes,
): Promise<WanSample> {
  const where = { linkName: link.name, variant: variantName(variant), repetition }
  const startedAt = new Date().toISOString()
  try {
    await using stage = await WanStage.open(variant, link, SEEDS_APART * (repetition + 1))
    const measured = await measureWan(stage, variant.inner, times)
    return { ...where, startedAt, ...measured, commands: [...stage.commands, ...measured.commands] }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { ...where, startedAt, values: {}, commands: [], error: message }
  }
}

function describe({ values, error }: WanSample): string {
  if (error !== undefined) return `FAILED ${error}`
  return Object.entries(values)
    .map(([key, value]) => `${key} ${value.toPrecision(3)}`)
    .join(', ')
}
