import { median } from '../measure/statistics.js'
import { renderLineChart } from '../report/line-chart.js'
import type { Picture } from '../report/part.js'
import { DISTRIBUTION_PERCENTS } from '../scenarios/rtt-under-load.js'
import { colorOf } from './colors.js'
import { samplesOf } from './look-up.js'
import type { Results } from './results.js'

const HEIGHT = 460
const LEGEND_WIDTH = 250

/** The distribution of round trips under load, a line for each peer. */
export function drawLatencies(results: Results): Picture[] {
  return results.scenarios
    .filter(({ name }) => name.startsWith('rtt-under-load'))
    .flatMap(({ name, title }) => {
      const lines = results.peers
        .map((peer) => ({ peer, points: pointsOf(results, name, peer.name) }))
        .filter(({ points }) => points.length > 0)
      if (lines.length === 0) return []
      return [{ title, fileName: `${name}-distribution.svg`, svg: draw(title, lines) }]
    })
}

/** Percent and milliseconds, the median of the repetitions. */
function pointsOf(results: Results, scenario: string, peer: string): [number, number][] {
  return DISTRIBUTION_PERCENTS.flatMap((percent): [number, number][] => {
    const metric = `percentile${percent}Ms`
    const value = median([...samplesOf(results, { scenario, metric, peer }).values()])
    return Number.isFinite(value) ? [[percent, value]] : []
  })
}

function draw(
  title: string,
  lines: readonly { readonly peer: Results['peers'][number]; readonly points: [number, number][] }[],
): string {
  return renderLineChart({
    title,
    height: HEIGHT,
    leftWidth: 70,
    legendWidth: LEGEND_WIDTH,
    xAxis: {
      type: 'value',
      name: 'share of the round trips, %',
      nameLocation: 'middle',
      nameGap: 30,
      max: 100,
    },
    yAxis: {
      type: 'log',
      name: 'took at most, ms',
      splitLine: { lineStyle: { color: '#e4e7eb' } },
    },
    series: lines.map(({ peer, points }) => ({
      type: 'line' as const,
      name: peer.title,
      showSymbol: false,
      itemStyle: { color: colorOf(peer) },
      lineStyle: { color: colorOf(peer), width: 2 },
      data: points,
    })),
  })
}
