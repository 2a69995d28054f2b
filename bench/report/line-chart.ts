import * as echarts from 'echarts'

const WIDTH = 900

interface LineChart {
  readonly title: string
  readonly height: number
  /** The margins: left for the numbers of the y axis, right for the legend. */
  readonly leftWidth: number
  readonly legendWidth: number
  readonly xAxis: echarts.EChartsOption['xAxis']
  readonly yAxis: echarts.EChartsOption['yAxis']
  readonly series: echarts.EChartsOption['series']
}

/** Lines and a legend. @returns an SVG document */
export function renderLineChart(parts: LineChart): string {
  const { title, height, leftWidth, legendWidth, xAxis, yAxis, series } = parts
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      title: { text: title, left: 12, top: 10, textStyle: { fontSize: 17, color: '#1f2933' } },
      legend: { orient: 'vertical', right: 10, top: 60, textStyle: { fontSize: 12, color: '#3e4c59' } },
      grid: { left: leftWidth, right: legendWidth, top: 60, bottom: 50 },
      xAxis,
      yAxis,
      series,
    })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}
