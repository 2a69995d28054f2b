import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as echarts from 'echarts'
import type { MemoryRun } from '../watch-memory.js'
import { table } from './table.js'

const WIDTH = 900
const HEIGHT = 380

/** Writes `memory.json`, `memory.md` and `memory-trend.svg` into a directory, which is made. @returns the page */
export async function writeMemoryReport(run: MemoryRun, dir: string): Promise<string> {
  const page = renderPage(run)
  await mkdir(dir, { recursive: true })
  await Promise.all([
    writeFile(join(dir, 'memory.json'), `${JSON.stringify(run, undefined, 2)}\n`),
    writeFile(join(dir, 'memory.md'), page),
    writeFile(join(dir, 'memory-trend.svg'), drawTrends(run)),
  ])
  return page
}

function renderPage({ trends, minutes, command, environment }: MemoryRun): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  const rows = trends.map(({ title, role, medianBytes, peakBytes, slopeBytesPerMinute, isFlat }) => [
    `${title}, ${role}`,
    megabytes(medianBytes),
    megabytes(peakBytes),
    `${(slopeBytesPerMinute / 1e6).toFixed(3)}`,
    isFlat ? 'flat' : '**rising**',
  ])
  return `# Memory under full load

- commit ${environment.commit}${environment.isDirty ? ', with changes that are in no commit' : ''}; ${environment.startedAt}; \`${command}\`
- Node.js ${environment.node}, Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}
- 32 TCP streams for ${minutes} minutes, half a minute in each direction in turn; resident memory once a second, in MB (10⁶ bytes). The trend is the line through all but the first quarter; flat means that it rises by at most 5 % of the median.

${table(['', 'median', 'at most', 'MB a minute', 'trend'], rows)}

![Resident memory under full load](memory-trend.svg)
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
