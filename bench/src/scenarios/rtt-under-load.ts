import { setTimeout as sleep } from 'node:timers/promises'
import { type Direction, runIperf } from '../measure/iperf.js'
import { runPing } from '../measure/ping.js'
import { mean, percentile } from '../measure/statistics.js'
import { directionName } from './direction.js'
import type { Scenario } from './scenario.js'

/** The load runs alone for this long before the first ping, and about as long after the last. */
const LEAD_MS = 500

/** How long a packet waits behind the queues of one bulk TCP stream. */
export function rttUnderLoad(direction: Direction): Scenario {
  const { suffix, arrow } = directionName(direction)
  return {
    name: `rtt-under-load-${suffix}`,
    title: `ping under one TCP stream, ${arrow}`,
    metrics: [
      { key: 'meanMs', title: 'mean', unit: 'ms', isHigherBetter: false },
      { key: 'p50Ms', title: 'p50', unit: 'ms', isHigherBetter: false },
      { key: 'p95Ms', title: 'p95', unit: 'ms', isHigherBetter: false },
      { key: 'lostPercent', title: 'lost', unit: '%', isHigherBetter: false, isZeroFine: true },
    ],
    async run(stage, seconds) {
      const load = runIperf(stage.caller, stage.iperf, stage.podAddress, { direction, seconds: seconds + 1 })
      const pings = sleep(LEAD_MS).then(() => runPing(stage.caller, stage.podAddress, seconds))
      // Whatever fails, nothing of a measurement may run on into the next one.
      const [loadEnd, pingEnd] = await Promise.allSettled([load, pings])
      if (loadEnd.status === 'rejected') throw loadEnd.reason
      if (pingEnd.status === 'rejected') throw pingEnd.reason
      const { roundTripsMs, sent, command } = pingEnd.value
      return {
        commands: [loadEnd.value.command, command],
        values: {
          meanMs: mean(roundTripsMs),
          p50Ms: percentile(roundTripsMs, 50),
          p95Ms: percentile(roundTripsMs, 95),
          lostPercent: 100 * (1 - roundTripsMs.length / sent),
          loadGigabitsPerSecond: loadEnd.value.deliveredBitsPerSecond / 1e9,
        },
      }
    },
  }
}
