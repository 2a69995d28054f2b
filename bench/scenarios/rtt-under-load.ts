import { setTimeout as sleep } from 'node:timers/promises'
import { type Direction, runIperf } from '../measure/iperf.js'
import { runPing } from '../measure/ping.js'
import { runTogether } from '../measure/run-together.js'
import { mean, percentile } from '../measure/statistics.js'
import { directionName } from './direction.js'
import type { Scenario } from './scenario.js'

/** The load runs alone for this long before the first ping, and about as long after the last. */
const LEAD_MS = 500

/** Recorded as `percentileNMs`, for the picture of the distribution. */
export const DISTRIBUTION_PERCENTS = [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 100]

/** How long a packet waits in the queues that one bulk TCP stream fills. */
export function rttUnderLoad(direction: Direction): Scenario {
  const { suffix, arrow } = directionName(direction)
  return {
    name: `rtt-under-load-${suffix}`,
    title: `ping under one TCP stream, ${arrow}`,
    load: 'packets',
    metrics: [
      { key: 'meanMs', title: 'mean', unit: 'ms', isHigherBetter: false },
      { key: 'p50Ms', title: 'p50', unit: 'ms', isHigherBetter: false },
      { key: 'p95Ms', title: 'p95', unit: 'ms', isHigherBetter: false },
      { key: 'lostPercent', title: 'lost', unit: '%', isHigherBetter: false, isZeroFine: true },
    ],
    async run(stage, seconds) {
      const load = runIperf(stage.caller, stage.iperf, stage.podAddress, { direction, seconds: seconds + 1 })
      const pings = sleep(LEAD_MS).then(() => runPing(stage.caller, stage.podAddress, seconds))
      const [loadEnd, { roundTripsMs, sent, command }] = await runTogether(load, pings)
      return {
        commands: [loadEnd.command, command],
        values: {
          meanMs: mean(roundTripsMs),
          p50Ms: percentile(roundTripsMs, 50),
          p95Ms: percentile(roundTripsMs, 95),
          lostPercent: 100 * (1 - roundTripsMs.length / sent),
          ...Object.fromEntries(
            DISTRIBUTION_PERCENTS.map((percent) => [
              `percentile${percent}Ms`,
              percentile(roundTripsMs, percent),
            ]),
          ),
          loadGigabitsPerSecond: loadEnd.deliveredBitsPerSecond / 1e9,
        },
      }
    },
  }
}
