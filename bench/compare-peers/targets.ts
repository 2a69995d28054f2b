import { spreadOf } from '../measure/statistics.js'
import { judge, pairedRatios, type Verdict } from '../report/verdict.js'
import { daemonsCpuSamplesOf, samplesOf } from './look-up.js'
import { RATIO_TARGETS, type RatioTarget } from './ratio-targets.js'
import type { Results } from './results.js'

const MEGABYTE = 1e6
const IDLE_RSS_LIMIT_BYTES = 90 * MEGABYTE
const PEAK_RSS_LIMIT_BYTES = 200 * MEGABYTE
const OURS = ['ours', 'ours-proxy']

/**
 * Judges all targets. A ratio is taken within each repetition, and the median of these ratios counts: the peers of one
 * repetition ran next to each other, so drift of the machine cancels out. The ratio of the medians is shown too. A target
 * is left out if one of its peers was not measured.
 */
export function judgeTargets(results: Results): Verdict[] {
  return [...RATIO_TARGETS.flatMap((target) => judgeRatio(results, target)), ...judgeMemory(results)]
}

function judgeRatio(results: Results, target: RatioTarget): Verdict[] {
  const base = target.base === 'external' ? externalNameIn(results) : target.base
  const peers = new Set(results.peers.map(({ name }) => name))
  const scenarios = new Set(results.scenarios.map(({ name }) => name))
  const baseScenario = target.baseScenario ?? target.scenario
  if (base === undefined || !peers.has(base) || !peers.has(target.peer)) return []
  if (!scenarios.has(target.scenario) || !scenarios.has(baseScenario)) return []
  const own = valuesOf(results, target, target.scenario, target.peer)
  const other = valuesOf(results, target, baseScenario, base)
  const ofMedians = medianOf(own) / medianOf(other)
  const against = baseScenario === target.scenario ? base : 'the same without the egress proxy'
  const title = `${target.title}: ${target.peer} / ${against}`
  return [judge(title, pairedRatios(own, other), target, `; of medians ${ofMedians.toFixed(2)}`)]
}

function valuesOf(
  results: Results,
  { metric }: RatioTarget,
  scenario: string,
  peer: string,
): ReadonlyMap<number, number> {
  return metric === 'cpuSecondsPerGigabyte'
    ? daemonsCpuSamplesOf(results, scenario, peer)
    : samplesOf(results, { scenario, metric, peer })
}

function medianOf(samples: ReadonlyMap<number, number>): number {
  return spreadOf([...samples.values()])?.median ?? Number.NaN
}

function judgeMemory({ memory }: Results): Verdict[] {
  return memory
    .filter(({ peer, role }) => OURS.includes(peer) && role !== 'proxy')
    .flatMap(({ peer, role, idleRssBytes, peakRssBytes }) => [
      judgeBytes(`RSS idle: ${peer}, ${role}`, idleRssBytes, IDLE_RSS_LIMIT_BYTES),
      judgeBytes(`RSS maximum: ${peer}, ${role}`, peakRssBytes, PEAK_RSS_LIMIT_BYTES),
    ])
}

function judgeBytes(title: string, bytes: number, limitBytes: number): Verdict {
  return {
    title,
    measured: `${(bytes / MEGABYTE).toFixed(1)} MB`,
    target: `≤ ${limitBytes / MEGABYTE} MB`,
    isMet: bytes <= limitBytes,
  }
}

function externalNameIn(results: Results): string | undefined {
  return results.peers.find(({ isExternal }) => isExternal)?.name
}
