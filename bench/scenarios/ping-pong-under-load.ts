import { join } from 'node:path'
import { type Direction, runIperf } from '../measure/iperf.js'
import { runTogether } from '../measure/run-together.js'
import { runPingPong } from '../measure/sockperf.js'
import { directionName } from './direction.js'
import type { Scenario } from './scenario.js'

/** sockperf warms up for two seconds. The load runs during that time too, and a little longer than the last message. */
const LOAD_SECONDS_MORE = 3

/** How long a small message waits in the queues that one bulk TCP stream fills, on a connection of its own. */
export function pingPongUnderLoad(direction: Direction): Scenario {
  const { suffix, arrow } = directionName(direction)
  return {
    name: `ping-pong-under-load-${suffix}`,
    title: `TCP ping-pong under one TCP stream, one-way time, ${arrow}`,
    load: 'tcp',
    metrics: [
      { key: 'p50Microseconds', title: 'p50', unit: 'µs', isHigherBetter: false },
      { key: 'p99Microseconds', title: 'p99', unit: 'µs', isHigherBetter: false },
      { key: 'p99OfTimeMicroseconds', title: 'p99 of the time', unit: 'µs', isHigherBetter: false },
    ],
    async run({ caller, iperf, sockperf, podAddress, lab }, seconds) {
      const logFile = join(lab.dir, 'ping-pong.csv')
      const [load, result] = await runTogether(
        runIperf(caller, iperf, podAddress, { direction, seconds: seconds + LOAD_SECONDS_MORE }),
        runPingPong(caller, sockperf, podAddress, seconds, logFile),
      )
      return {
        commands: [load.command, result.command],
        values: {
          p50Microseconds: result.oneWayP50Microseconds,
          p99Microseconds: result.oneWayP99Microseconds,
          p99OfTimeMicroseconds: result.oneWayP99OfTimeMicroseconds ?? Number.NaN,
          exchanges: result.exchanges,
          loadGigabitsPerSecond: load.deliveredBitsPerSecond / 1e9,
        },
      }
    },
  }
}
