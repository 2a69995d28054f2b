import * as echarts from 'echarts'
import { type Part, type Picture, showPictures } from '../report/part.js'
import { table } from '../report/table.js'
import type { MemoryRun } from './watch-memory.js'

const WIDTH = 900
const HEIGHT = 380

/** The section about memory during minutes of full load. */
export function memoryPart(run: MemoryRun): Part {
  const pictures = [
    { title: 'Resident memory under full load', fileName: 'memory-trend.svg', svg: drawTrends(run) },
  ]
  return { text: renderText(run, pictures), pictures }
}

function renderText(
  { trends, minutes, command, environment }: MemoryRun,
  pictures: readonly Picture[],
): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  const rows = trends.map(({ title, role, medianBytes, peakBytes, slopeBytesPerMinute, isFlat }) => [
    `${title}, ${role}`,
    megabytes(medianBytes),
    megabytes(peakBytes),
    `${(slopeBytesPerMinute / 1e6).toFixed(3)}`,
    isFlat ? 'flat' : '**rising**',
  ])
  return `## Memory under full load

- commit ${environment.commit}${environment.isDirty ? ', with uncommitted changes' : ''}; ${environment.startedAt}; \`${command}\`
- Node.js ${environment.node}, Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}
- Load: 32 TCP streams for ${minutes} minutes, half a minute in each direction alternately.
- Resident memory is read once a second, in MB (10⁶ bytes). The trend is the line through all samples except the first quarter. It is flat if it rises by at most 5 % of the median.

${table(['', 'median', 'maximum', 'MB per minute', 'trend'], rows)}

${showPictures(pictures)}
`
}

function drawTrends({ trends, minutes }: MemoryRun): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      title: { text: `Resident memory under full load, ${minutes} minutes`, left: 12, top: 10 },
      legend: { top: 40, itemGap: 24 },
      grid: { left: 60, right: 30, top: 80, bottom: 50 },
      xAxis: { type: 'value', name: 'minutes', nameLocation: 'middle', nameGap: 28, max: minutes },
      yAxis: { type: 'value', name: 'MB', min: 0 },
      series: trends.map(({ title, role, samples }) => ({
        type: 'line' as const,
        name: `${title}, ${role}`,
        showSymbol: false,
        lineStyle: { width: 1.5 },
        data: samples.map(({ x, y }) => [x / 60, y / 1e6]),
      })),
    })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}
