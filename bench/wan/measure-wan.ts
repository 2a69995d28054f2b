import { besides } from '../src/measure/besides.js'
import { startCpuMeter } from '../src/measure/cpu-meter.js'
import { runIperf } from '../src/measure/iperf.js'
import { runPing } from '../src/measure/ping.js'
import { median, percentile } from '../src/measure/statistics.js'
import { loadPage } from './load-page.js'
import type { WanFigure, WanSample } from './wan-results.js'
import type { WanStage } from './wan-stage.js'
import type { Congestion } from './wan-variants.js'

export interface WanTimes {
  /** Of one load, what comes before it counts not included. */
  readonly seconds: number
  /** For connections to come up to speed. */
  readonly leadSeconds: number
  readonly idlePingSeconds: number
  readonly pages: number
}

const STREAMS = 8

type Measured = Pick<WanSample, 'values' | 'commands' | 'cpuSeconds' | 'linkShare' | 'stolenShare' | 'link'>

/**
 * Everything that is measured of one variant: idle round trips, pages, one stream with pings beside it, several streams.
 * @throws BenchError or LabError of the first program that did not measure
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
  const [one, loaded] = await besides(
    runIperf(caller, iperf, podAddress, load),
    // A flow that is there when the load comes. The load runs a little longer, so that the last answers meet it too.
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
