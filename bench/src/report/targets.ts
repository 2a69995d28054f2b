import { type Spread, spreadOf } from '../measure/statistics.js'
import type { Results } from '../results.js'
import { samplesOf, spreadOfFigure } from './look-up.js'

export interface Verdict {
  readonly title: string
  /** What was measured, in the words of the table; undefined when it was not. */
  readonly measured: string | undefined
  readonly target: string
  readonly isMet: boolean
}

interface RatioTarget {
  readonly title: string
  readonly scenario: string
  readonly metric: string
  readonly peer: string
  /** `external`: the first peer that came from the command line. */
  readonly base: string
  readonly atLeast?: number
  readonly atMost?: number
}

const MEGABYTE = 1e6
const IDLE_RSS_LIMIT_BYTES = 90 * MEGABYTE
const PEAK_RSS_LIMIT_BYTES = 200 * MEGABYTE
const OURS = ['ours', 'ours-proxy']

const RATIO_TARGETS: readonly RatioTarget[] = [
  ...throughput('1 TCP stream', 'tcp-1', 'ours', 'openvpn', 9),
  ...throughput('1 TCP stream through CONNECT', 'tcp-1', 'ours-proxy', 'openvpn-proxy', 2.2),
  ...throughput('32 TCP streams', 'tcp-32', 'ours', 'openvpn', 8),
  ...throughput('1 TCP stream', 'tcp-1', 'ours', 'external', 0.78),
  {
    title: '64-byte UDP delivered',
    scenario: 'udp-64-to-shoot',
    metric: 'megabitsPerSecond',
    peer: 'ours',
    base: 'openvpn',
    atLeast: 1.2,
  },
  {
    title: 'TCP ping-pong, one way, p50',
    scenario: 'ping-pong',
    metric: 'p50Microseconds',
    peer: 'ours',
    base: 'openvpn',
    atMost: 2,
  },
  ...['to-shoot', 'to-seed'].map((suffix) => ({
    title: `RTT under load, mean, ${suffix.replace('-', ' ')}`,
    scenario: `rtt-under-load-${suffix}`,
    metric: 'meanMs',
    peer: 'ours',
    base: 'openvpn',
    atMost: 0.4,
  })),
]

/**
 * Compares what was measured with what is aimed at. A ratio is taken within each repetition and the median of those
 * counts: peers of one repetition ran next to each other, so what drifts on the machine cancels out. The ratio of the
 * medians stands beside it. Targets whose peers took no part are left out.
 */
export function judgeTargets(results: Results): Verdict[] {
  return [...RATIO_TARGETS.flatMap((target) => judgeRatio(results, target)), ...judgeMemory(results)]
}

function judgeRatio(results: Results, target: RatioTarget): Verdict[] {
  const base = target.base === 'external' ? externalNameIn(results) : target.base
  const names = new Set(results.peers.map(({ name }) => name))
  const isPlanned = results.scenarios.some(({ name }) => name === target.scenario)
  if (base === undefined || !names.has(base) || !names.has(target.peer) || !isPlanned) return []
  const own = { scenario: target.scenario, metric: target.metric, peer: target.peer }
  const ratios = pairedRatios(samplesOf(results, own), samplesOf(results, { ...own, peer: base }))
  const spread = spreadOf(ratios)
  const ofMedians = dividedMedians(
    spreadOfFigure(results, own),
    spreadOfFigure(results, { ...own, peer: base }),
  )
  return [
    {
      title: `${target.title}: ${target.peer} / ${base}`,
      measured: spread === undefined ? undefined : describeRatio(spread, ofMedians),
      target: target.atLeast === undefined ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`,
      isMet:
        spread !== undefined &&
        spread.median >= (target.atLeast ?? 0) &&
        spread.median <= (target.atMost ?? Number.POSITIVE_INFINITY),
    },
  ]
}

function pairedRatios(own: ReadonlyMap<number, number>, base: ReadonlyMap<number, number>): number[] {
  return [...own].flatMap(([repetition, value]) => {
    const baseValue = base.get(repetition)
    return baseValue === undefined || baseValue === 0 ? [] : [value / baseValue]
  })
}

function dividedMedians(own: Spread | undefined, base: Spread | undefined): number {
  return (own?.median ?? Number.NaN) / (base?.median ?? Number.NaN)
}

function describeRatio({ median: middle, min, max }: Spread, ofMedians: number): string {
  return `${middle.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)}; of medians ${ofMedians.toFixed(2)})`
}

function judgeMemory({ memory }: Results): Verdict[] {
  return memory
    .filter(({ peer, role }) => OURS.includes(peer) && role !== 'proxy')
    .flatMap(({ peer, role, idleRssBytes, peakRssBytes }) => [
      judgeBytes(`RSS idle: ${peer}, ${role}`, idleRssBytes, IDLE_RSS_LIMIT_BYTES),
      judgeBytes(`RSS at most: ${peer}, ${role}`, peakRssBytes, PEAK_RSS_LIMIT_BYTES),
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

function throughput(
  title: string,
  prefix: string,
  peer: string,
  base: string,
  atLeast: number,
): RatioTarget[] {
  return ['to-shoot', 'to-seed'].map((suffix) => ({
    title: `${title}, ${suffix.replace('-', ' ')}`,
    scenario: `${prefix}-${suffix}`,
    metric: 'gigabitsPerSecond',
    peer,
    base,
    atLeast,
  }))
}

function externalNameIn(results: Results): string | undefined {
  return results.peers.find(({ isExternal }) => isExternal)?.name
}
