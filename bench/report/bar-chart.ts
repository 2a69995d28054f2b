import * as echarts from 'echarts'
import { median } from '../measure/statistics.js'
import { figure } from './table.js'

interface Bar {
  readonly label: string
  readonly color: string
  readonly samples: readonly number[]
}

export interface Panel {
  readonly title: string
  readonly unit: string
  readonly bars: readonly Bar[]
}

const WIDTH = 900
const TITLE_HEIGHT = 44
const PANEL_HEAD = 30
const BAR_HEIGHT = 26
const PANEL_FOOT = 14
const LABEL_WIDTH = 235
const VALUE_ROOM = 90

/**
 * Panels one below the other, each with its own scale from zero: a bar for the median, a dot for every sample.
 *
 * @returns an SVG document
 */
export function barChart(title: string, panels: readonly Panel[]): string {
  const tops = panelTops(panels)
  const height = tops.at(-1) ?? TITLE_HEIGHT
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      title: [
        { text: title, left: 12, top: 10, textStyle: { fontSize: 17, color: '#1f2933' } },
        ...panels.map((panel, index) => panelTitle(panel, tops[index] ?? 0)),
      ],
      grid: panels.map(({ bars }, index) => ({
        left: LABEL_WIDTH,
        right: VALUE_ROOM,
        top: (tops[index] ?? 0) + PANEL_HEAD,
        height: bars.length * BAR_HEIGHT,
      })),
      xAxis: panels.map((_, index) => ({
        type: 'value',
        gridIndex: index,
        min: 0,
        axisLabel: { show: false },
        splitLine: { lineStyle: { color: '#e4e7eb' } },
      })),
      yAxis: panels.map(({ bars }, index) => ({
        type: 'category',
        gridIndex: index,
        inverse: true,
        data: bars.map(({ label }) => label),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: '#9aa5b1' } },
        axisLabel: { color: '#3e4c59', fontSize: 12 },
      })),
      series: panels.flatMap((panel, index) => [barsOf(panel, index), dotsOf(panel, index)]),
    })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}

function panelTops(panels: readonly Panel[]): number[] {
  let top = TITLE_HEIGHT
  const tops = panels.map(({ bars }) => {
    const own = top
    top += PANEL_HEAD + bars.length * BAR_HEIGHT + PANEL_FOOT
    return own
  })
  return [...tops, top]
}

function panelTitle({ title, unit }: Panel, top: number) {
  return {
    text: `${title}, ${unit}`,
    left: 12,
    top: top + 6,
    textStyle: { fontSize: 13, fontWeight: 'bold' as const, color: '#3e4c59' },
  }
}

function barsOf({ bars }: Panel, index: number) {
  return {
    type: 'bar' as const,
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 15,
    data: bars.map(({ samples, color }) => {
      const value = median(samples)
      return {
        value: Number.isFinite(value) ? value : 0,
        itemStyle: { color },
        label: { formatter: samples.length === 0 ? 'not measured' : figure(value) },
      }
    }),
    label: { show: true, position: 'right' as const, color: '#1f2933', fontSize: 12, distance: 12 },
  }
}

function dotsOf({ bars }: Panel, index: number) {
  return {
    type: 'scatter' as const,
    xAxisIndex: index,
    yAxisIndex: index,
    symbolSize: 5,
    itemStyle: { color: '#1f2933', opacity: 0.75 },
    data: bars.flatMap(({ samples }, bar) => samples.map((sample) => [sample, bar])),
  }
}
