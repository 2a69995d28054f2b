import { describeTask, type EgressTask, egressReportOf, startEgressLoad } from '../egress/load.js'
import { cpuSecondsOf } from '../measure/proc.js'
import type { Stage } from '../peers/stage.js'
import type { Scenario } from './scenario.js'

/** The load of a kube-apiserver: TCP, mutual TLS and CONNECT for every connection into the shoot, then a small request. */
export function egressConnects(parallel: number): Scenario {
  return {
    name: `egress-connects-${parallel}`,
    title: `egress: CONNECTs, each over a new mTLS connection, ${parallel} at a time`,
    load: 'egress',
    metrics: [
      { key: 'connectsPerSecond', title: 'rate', unit: '1/s', isHigherBetter: true },
      { key: 'firstByteP50Ms', title: 'first byte p50', unit: 'ms', isHigherBetter: false },
      { key: 'firstByteP99Ms', title: 'first byte p99', unit: 'ms', isHigherBetter: false },
      { key: 'seedCpuMsEach', title: 'CPU in the seed, each', unit: 'ms', isHigherBetter: false },
    ],
    async run(stage, seconds) {
      const task: EgressTask = { kind: 'connects', parallel, milliseconds: 1000 * seconds }
      const before = seedCpuSeconds(stage)
      const { connects = Number.NaN, ...figures } = await egressReportOf(
        await startEgressLoad(stage, task),
        task,
      )
      const seedCpuMsEach = (1000 * (seedCpuSeconds(stage) - before)) / connects
      return { commands: [describeTask(task)], values: { ...figures, connects, seedCpuMsEach } }
    },
  }
}

function seedCpuSeconds({ path }: Stage): number {
  return path.processes
    .filter(({ role }) => role === 'seed')
    .reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0)
}
