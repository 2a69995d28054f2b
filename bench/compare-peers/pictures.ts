import { barChart, type Panel } from '../report/bar-chart.js'
import type { Picture } from '../report/part.js'
import { colorOf } from './colors.js'
import { drawLatencies } from './latency-chart.js'
import { cpuSamplesOf, samplesOf } from './look-up.js'
import type { Results } from './results.js'

interface Theme {
  readonly title: string
  readonly fileName: string
  /** Of the names of its scenarios. */
  readonly prefixes: readonly string[]
  readonly metrics: readonly string[]
}

const THEMES: readonly Theme[] = [
  {
    title: 'Bulk TCP through the tunnel',
    fileName: 'throughput.svg',
    prefixes: ['tcp-'],
    metrics: ['gigabitsPerSecond'],
  },
  { title: '64-byte UDP', fileName: 'udp.svg', prefixes: ['udp-'], metrics: ['megabitsPerSecond'] },
  {
    title: 'One-way time of a small message',
    fileName: 'ping-pong.svg',
    prefixes: ['ping-pong'],
    metrics: ['p50Microseconds', 'p99Microseconds'],
  },
  {
    title: 'Round trips while a bulk stream runs',
    fileName: 'rtt-under-load.svg',
    prefixes: ['rtt-under-load'],
    metrics: ['meanMs', 'p95Ms'],
  },
  {
    title: 'Callers with mutual TLS',
    fileName: 'egress.svg',
    prefixes: ['egress-'],
    metrics: [
      ...['connectsPerSecond', 'firstByteP50Ms', 'firstByteP99Ms', 'gigabitsPerSecond', 'kilobytesEach'],
      ...['megabytesPerSecond', 'readersSeconds', 'small-p99Ms', 'small-worstMs'],
      ...['seedPeakMegabytes', 'shootPeakMegabytes'],
    ],
  },
]

/** The pictures of a run, for everything that was measured. */
export function drawPictures(results: Results): Picture[] {
  const themed = THEMES.map((theme) => ({ theme, panels: panelsOf(results, theme) }))
  return [
    ...themed
      .filter(({ panels }) => panels.length > 0)
      .map(({ theme: { title, fileName }, panels }) => ({ title, fileName, svg: barChart(title, panels) })),
    ...drawLatencies(results),
    ...drawCpu(results),
    ...drawMemory(results),
  ]
}

function panelsOf(results: Results, { prefixes, metrics }: Theme): Panel[] {
  return results.scenarios
    .filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)))
    .flatMap((scenario) =>
      scenario.metrics
        .filter(({ key }) => metrics.includes(key))
        .map(({ key, title, unit }) => ({
          title: `${scenario.title}: ${title}`,
          unit,
          bars: peersIn(results, scenario.name).map((peer) => ({
            label: peer.title,
            color: colorOf(peer),
            samples: [
              ...samplesOf(results, { scenario: scenario.name, metric: key, peer: peer.name }).values(),
            ],
          })),
        })),
    )
}

/** The peers that support a scenario. */
function peersIn({ peers, skipped = [] }: Results, scenario: string) {
  return peers.filter(({ name }) => !skipped.some((one) => one.scenario === scenario && one.peer === name))
}

function drawCpu(results: Results): Picture[] {
  const panels = results.scenarios
    .filter(({ name }) => name.startsWith('tcp-'))
    .map((scenario): Panel => {
      const bars = results.peers.flatMap((peer) =>
        (['seed', 'shoot'] as const).map((role) => ({
          label: `${peer.title}, ${role}`,
          color: colorOf(peer),
          samples: cpuSamplesOf(results, scenario.name, peer.name, role),
        })),
      )
      return { title: scenario.title, unit: 's/GB', bars: bars.filter(({ samples }) => samples.length > 0) }
    })
    .filter(({ bars }) => bars.length > 0)
  const title = 'Processor time per gigabyte received'
  return panels.length === 0 ? [] : [{ title, fileName: 'cpu.svg', svg: barChart(title, panels) }]
}

function drawMemory({ memory, peers }: Results): Picture[] {
  if (memory.length === 0) return []
  const panelOf = (title: string, key: 'idleRssBytes' | 'peakRssBytes' | 'finalRssBytes'): Panel => ({
    title,
    unit: 'MB',
    bars: memory.flatMap((record) => {
      const peer = peers.find(({ name }) => name === record.peer)
      if (peer === undefined) return []
      return [{ label: `${peer.title}, ${record.role}`, color: colorOf(peer), samples: [record[key] / 1e6] }]
    }),
  })
  const title = 'Resident memory'
  const panels = [
    panelOf('Idle, before the first load', 'idleRssBytes'),
    panelOf('Maximum', 'peakRssBytes'),
    panelOf('After the last load', 'finalRssBytes'),
  ]
  return [{ title, fileName: 'memory.svg', svg: barChart(title, panels) }]
}
