import { type Direction, runIperf } from '../measure/iperf.js'
import { directionName } from './direction.js'
import type { Scenario } from './scenario.js'

/** Bulk data over TCP at full speed. */
export function tcpThroughput(streams: number, direction: Direction): Scenario {
  const { suffix, arrow } = directionName(direction)
  return {
    name: `tcp-${streams}-${suffix}`,
    title: `${streams} TCP stream${streams === 1 ? '' : 's'}, ${arrow}`,
    load: 'tcp',
    metrics: [{ key: 'gigabitsPerSecond', title: 'received', unit: 'Gbit/s', isHigherBetter: true }],
    async run(stage, seconds) {
      const load = { direction, seconds, streams }
      const result = await runIperf(stage.caller, stage.iperf, stage.podAddress, load)
      return {
        commands: [result.command],
        values: { gigabitsPerSecond: result.deliveredBitsPerSecond / 1e9, retransmits: result.retransmits },
        receivedBytes: result.deliveredBytes,
      }
    },
  }
}
