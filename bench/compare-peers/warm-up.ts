import { type EgressTask, egressReportOf, startEgressLoad } from '../egress/load.js'
import { runIperf } from '../measure/iperf.js'
import { log } from '../measure/progress.js'
import type { Stage } from '../peers/stage.js'

const CONNECTS: EgressTask = { kind: 'connects', parallel: 16, milliseconds: 1_000 }

/** Keeps the costs of first use (compilation, caches) out of the first repetition. */
export async function warmUp(stages: readonly Stage[]): Promise<void> {
  for (const stage of stages) {
    try {
      await warmUpOne(stage)
    } catch (error) {
      log(`${stage.peer.name}: warm-up failed: ${String(error)}`)
    }
  }
}

async function warmUpOne(stage: Stage): Promise<void> {
  const { supports = ['tcp'] } = stage.peer
  if (supports.includes('tcp')) {
    for (const direction of ['toShoot', 'toSeed'] as const) {
      await runIperf(stage.caller, stage.iperf, stage.podAddress, { direction, seconds: 1 })
    }
  }
  if (supports.includes('egress')) {
    await egressReportOf(await startEgressLoad(stage, CONNECTS), CONNECTS)
  }
}
