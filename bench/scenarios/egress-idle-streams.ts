import { describeTask, type EgressTask, egressReportOf, startEgressLoad } from '../egress/load.js'
import { cpuSecondsOf, memoryOf } from '../measure/proc.js'
import type { Scenario } from './scenario.js'

const STREAMS = 1000
const REQUESTS_PER_SECOND = 100

/** A shoot with many watchers: streams that stay open and are mostly idle. */
export const EGRESS_IDLE_STREAMS: Scenario = {
  name: `egress-idle-${STREAMS}`,
  title: `egress: ${STREAMS} open streams, ${REQUESTS_PER_SECOND} small requests a second in total`,
  load: 'egress',
  isFresh: true,
  metrics: [
    { key: 'answered', title: 'answered at the end', unit: 'streams', isHigherBetter: true },
    { key: 'kilobytesEach', title: 'memory in the seed, each', unit: 'kB', isHigherBetter: false },
    { key: 'idleCpuPercent', title: 'CPU in the seed', unit: '% of a core', isHigherBetter: false },
    { key: 'turnP50Ms', title: 'request p50', unit: 'ms', isHigherBetter: false },
    { key: 'turnP99Ms', title: 'request p99', unit: 'ms', isHigherBetter: false },
    {
      key: 'allAnsweredMs',
      title: 'all at once, time to the last answer',
      unit: 'ms',
      isHigherBetter: false,
    },
  ],
  async run(stage, seconds) {
    const pid = stage.path.processes.find(({ role }) => role === 'seed')?.pid ?? Number.NaN
    const task: EgressTask = {
      kind: 'idle',
      streams: STREAMS,
      requestsPerSecond: REQUESTS_PER_SECOND,
      milliseconds: 1000 * seconds,
    }
    const program = await startEgressLoad(stage, task)
    await program.waitForLine(/^warm$/)
    const emptyBytes = memoryOf(pid).rssBytes
    await program.waitForLine(/^all open$/, { deadlineMs: 60_000 })
    const openBytes = memoryOf(pid).rssBytes
    const [cpuSeconds, startedMs] = [cpuSecondsOf(pid), performance.now()]
    await program.waitForLine(/^idle over$/, { deadlineMs: 1000 * seconds + 10_000 })
    const usedSeconds = cpuSecondsOf(pid) - cpuSeconds
    const idleCpuPercent = (100_000 * usedSeconds) / (performance.now() - startedMs)
    const kilobytesEach = (openBytes - emptyBytes) / STREAMS / 1000
    const figures = await egressReportOf(program, task)
    return { commands: [describeTask(task)], values: { ...figures, kilobytesEach, idleCpuPercent } }
  },
}
