import { runPingPong } from '../measure/sockperf.js'
import type { Scenario } from './scenario.js'

/** One small message at a time over an otherwise idle path. */
export const PING_PONG: Scenario = {
  name: 'ping-pong',
  title: 'TCP ping-pong, one-way time',
  load: 'tcp',
  metrics: [
    { key: 'p50Microseconds', title: 'p50', unit: 'µs', isHigherBetter: false },
    { key: 'p99Microseconds', title: 'p99', unit: 'µs', isHigherBetter: false },
  ],
  async run(stage, seconds) {
    const result = await runPingPong(stage.caller, stage.sockperf, stage.podAddress, seconds)
    return {
      commands: [result.command],
      values: {
        p50Microseconds: result.oneWayP50Microseconds,
        p99Microseconds: result.oneWayP99Microseconds,
        exchanges: result.exchanges,
      },
    }
  },
}
