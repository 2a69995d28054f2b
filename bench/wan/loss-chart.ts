import { median } from '../measure/statistics.js'
import { renderLineChart } from '../report/line-chart.js'
import { LOSS_SERIES } from './wan-links.js'
import type { VariantRecord, WanFigure, WanResults } from './wan-results.js'

const HEIGHT = 520
const LEGEND_WIDTH = 300
const COLORS: Readonly<Record<string, string>> = {
  direct: '#9aa5b1',
  openvpn: '#e8a33d',
  ours: '#2f6fdb',
  'ours-lanes-4': '#5aa469',
}

/**
 * Throughput by loss, a line for each variant. The colour stands for the peer, dashes for CUBIC outside, hollow points for CUBIC inside.
 *
 * @returns an SVG document; undefined if fewer than two losses were measured
 */
export function drawLossChart(results: WanResults, figure: WanFigure, title: string): string | undefined {
  const links = results.links.filter(({ name }) => LOSS_SERIES.includes(name))
  if (links.length < 2) return undefined
  return renderLineChart({
    title,
    height: HEIGHT,
    leftWidth: 60,
    legendWidth: LEGEND_WIDTH,
    xAxis: {
      type: 'category',
      name: 'packets lost in each direction, %',
      nameLocation: 'middle',
      nameGap: 30,
      data: links.map(({ lossPercent }) => String(lossPercent)),
    },
    yAxis: { type: 'value', name: 'Mbit/s', min: 0, splitLine: { lineStyle: { color: '#e4e7eb' } } },
    series: results.variants.map((variant) => ({
      ...styleOf(variant),
      type: 'line' as const,
      name: variant.title,
      data: links.map((link) => {
        const value = median(wanSamplesOf(results, link.name, variant.name, figure))
        return Number.isFinite(value) ? value : null
      }),
    })),
  })
}

/** Every value of a figure, without failed measurements. */
export function wanSamplesOf(
  results: WanResults,
  link: string,
  variant: string,
  figure: WanFigure,
): number[] {
  return results.samples
    .filter((sample) => sample.linkName === link && sample.variant === variant)
    .map(({ values }) => values[figure])
    .filter((value) => value !== undefined)
}

function styleOf({ peer, inner, outer }: VariantRecord) {
  const color = COLORS[peer] ?? '#1f2933'
  return {
    itemStyle: { color },
    lineStyle: {
      color,
      width: 2,
      type: (outer ?? inner) === 'cubic' ? ('dashed' as const) : ('solid' as const),
    },
    symbol: inner === 'cubic' ? 'emptyCircle' : 'circle',
    symbolSize: 8,
  }
}
