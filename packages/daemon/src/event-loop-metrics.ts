import { createHistogram, type Histogram } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Gauge, type Registry } from 'prom-client'

/** Interval of samples. Each one wakes the process; 10 ms would cost half a percent of a core when idle. */
const SAMPLE_MS = 500

interface Statistic {
  readonly name: string
  readonly help: string
  readonly read: (samples: Histogram) => number
}

const STATISTICS: readonly Statistic[] = [
  { name: 'min', help: 'Shortest delay of the event loop.', read: ({ min }) => min },
  { name: 'max', help: 'Longest delay of the event loop.', read: ({ max }) => max },
  { name: 'mean', help: 'Mean delay of the event loop.', read: ({ mean }) => mean },
  {
    name: 'stddev',
    help: 'Standard deviation of the delays of the event loop.',
    read: ({ stddev }) => stddev,
  },
  ...[50, 90, 99].map((percentage) => ({
    name: `p${percentage}`,
    help: `${percentage}th percentile of the delays of the event loop.`,
    read: (samples: Histogram) => samples.percentile(percentage),
  })),
]

/**
 * Registers `nodejs_eventloop_lag_seconds`, a delay measured now, and `nodejs_eventloop_lag_<statistic>_seconds` of the
 * samples since the last scrape that had any. They replace those of prom-client, which are NaN for a while after each scrape,
 * because Node's monitor of the event loop forgets with its samples when it took the last one. Like those they include the
 * sampling interval.
 */
export function registerEventLoopMetrics(registry: Registry, prefix: string): void {
  const nameOf = (statistic: string) => `${prefix}nodejs_eventloop_lag_${statistic}seconds`
  const gauge = (statistic: string, help: string, collect?: (this: Gauge) => void | Promise<void>) => {
    registry.removeSingleMetric(nameOf(statistic))
    return new Gauge({ name: nameOf(statistic), help, registers: [registry], ...(collect && { collect }) })
  }
  const samples = createHistogram()
  let sampledAtMs = performance.now()
  setInterval(() => {
    const nowMs = performance.now()
    samples.record(Math.round((nowMs - sampledAtMs) * 1e6))
    sampledAtMs = nowMs
  }, SAMPLE_MS).unref()
  const takeSamples = () => {
    if (samples.count === 0) return
    for (const [{ read }, gauge] of gauges) gauge.set(read(samples) / 1e9)
    samples.reset()
  }
  // Collected first, so it can take the samples for all.
  gauge('', 'Delay of the event loop, measured by this scrape.', async function () {
    takeSamples()
    const beginMs = performance.now()
    await nextTurn()
    this.set((performance.now() - beginMs) / 1000)
  })
  const gauges = STATISTICS.map((statistic) => {
    const { name, help } = statistic
    return [statistic, gauge(`${name}_`, `${help} Includes the sampling interval.`)] as const
  })
  // Until there are samples: no delay but the interval.
  for (const [{ name }, gauge] of gauges) gauge.set(name === 'stddev' ? 0 : SAMPLE_MS / 1000)
}
