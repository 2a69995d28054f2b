import { startCpuMeter } from '../measure/cpu-meter.js'
import { runIperf } from '../measure/iperf.js'
import { runPing } from '../measure/ping.js'
import { runTogether } from '../measure/run-together.js'
import { median, percentile } from '../measure/statistics.js'
import { loadPage } from './load-page.js'
import type { WanFigure, WanSample } from './wan-results.js'
import type { WanStage } from './wan-stage.js'
import type { Congestion } from './wan-variants.js'

export interface WanTimes {
  /** Of one load, without `leadSeconds`. */
  readonly seconds: number
  /** Before the measurement, for connections to reach full speed. */
  readonly leadSeconds: number
  readonly idlePingSeconds: number
  readonly pages: number
}

const STREAMS = 8

type Measured = Pick<WanSample, 'values' | 'commands' | 'cpuSeconds' | 'linkShare' | 'stolenShare' | 'link'>

/**
 * All measurements of one variant: idle round trips, pages, one stream with simultaneous pings, several streams.
 * @throws BenchError or LabError of the first program that failed
 */
export async function measureWan(stage: WanStage, inner: Congestion, times: WanTimes): Promise<Measured> {
  const { caller, iperf, podAddress, wan, path } = stage
  const idle = await runPing(caller, podAddress, times.idlePingSeconds)
  const idleMs = median(idle.roundTripsMs)
  const pages = []
  for (let count = 0; count < times.pages; count++) pages.push(await loadPage(caller, podAddress))

  const { seconds, leadSeconds } = times
  const load = { direction: 'toShoot', seconds, leadSeconds, congestion: inner } as const
  const stopMeter = startCpuMeter(path.processes, [{ role: 'proxy', pid: wan.process.pid }])
  const [one, loaded] = await runTogether(
    runIperf(caller, iperf, podAddress, load),
    // The pings start before the load. The load runs a little longer, so that the last answers meet it too.
    runPing(caller, podAddress, leadSeconds + Math.max(0.5, seconds - 0.5), leadSeconds),
  )
  const use = stopMeter()
  const many = await runIperf(caller, iperf, podAddress, { ...load, streams: STREAMS })

  const above = (percent: number) => percentile(loaded.roundTripsMs, percent) - idleMs
  const values: Record<WanFigure, number> = {
    oneStreamMegabits: one.deliveredBitsPerSecond / 1e6,
    eightStreamsMegabits: many.deliveredBitsPerSecond / 1e6,
    idlePingMs: idleMs,
    loadedPingP50AboveMs: above(50),
    loadedPingP95AboveMs: above(95),
    pageMs: median(pages.map(({ milliseconds }) => milliseconds)),
  }
  return {
    values,
    commands: [idle.command, pages[0]?.command ?? '', one.command, loaded.command, many.command],
    cpuSeconds: use.cpuSeconds,
    linkShare: use.idlePeersShare,
    stolenShare: use.stolenShare,
    link: await wan.statistics(),
  }
}
