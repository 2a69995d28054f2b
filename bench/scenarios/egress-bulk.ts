import { describeTask, type EgressTask, egressReportOf, startEgressLoad } from '../egress/load.js'
import type { Direction } from '../measure/iperf.js'
import { directionName } from './direction.js'
import type { Scenario } from './scenario.js'

/** One bulk stream between the same programs: through the egress proxy, or routed, as the reference for it. */
export function egressBulk(direction: Direction, isRouted: boolean): Scenario {
  const { suffix, arrow } = directionName(direction)
  return {
    name: `egress-${isRouted ? 'routed' : 'bulk'}-${suffix}`,
    title: `egress: one bulk stream ${isRouted ? 'without the proxy' : 'through the proxy'}, ${arrow}`,
    load: isRouted ? 'egress-routed' : 'egress',
    metrics: [{ key: 'gigabitsPerSecond', title: 'received', unit: 'Gbit/s', isHigherBetter: true }],
    async run(stage, seconds) {
      const task: EgressTask = {
        kind: direction === 'toShoot' ? 'upload' : 'download',
        milliseconds: 1000 * seconds,
      }
      const report = await egressReportOf(await startEgressLoad(stage, task, isRouted), task)
      const { bitsPerSecond = Number.NaN, bytes = Number.NaN, firstByteMs = Number.NaN } = report
      return {
        commands: [describeTask(task, isRouted)],
        values: { gigabitsPerSecond: bitsPerSecond / 1e9, firstByteMs },
        receivedBytes: bytes,
      }
    },
  }
}
