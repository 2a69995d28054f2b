import { describeTask, type EgressTask, egressReportOf, startEgressLoad } from '../../egress/load.js'
import type { Direction } from '../measure/iperf.js'
import { directionName } from './direction.js'
import type { Scenario } from './scenario.js'

/** One bulk stream by the same programs: through the egress proxy, or routed past it, which is what it is held against. */
export function egressBulk(direction: Direction, isRouted: boolean): Scenario {
  const { suffix, arrow } = directionName(direction)
  return {
    name: `egress-${isRouted ? 'routed' : 'bulk'}-${suffix}`,
    title: `egress: one bulk stream ${isRouted ? 'routed past it' : 'through it'}, ${arrow}`,
    load: 'egress',
    metrics: [{ key: 'gigabitsPerSecond', title: 'received', unit: 'Gbit/s', isHigherBetter: true }],
    async run(stage, seconds) {
      const task: EgressTask = {
        manner: direction === 'toShoot' ? 'upload' : 'download',
        milliseconds: 1000 * seconds,
      }
      const report = await egressReportOf(await startEgressLoad(stage, task, isRouted), task)
      const { bitsPerSecond = Number.NaN, bytes = Number.NaN, firstByteMs = Number.NaN } = report
      return {
        commands: [describeTask(task, isRouted)],
        values: { gigabitsPerSecond: bitsPerSecond / 1e9, firstByteMs },
        carriedBytes: bytes,
      }
    },
  }
}
