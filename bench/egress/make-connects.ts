import { percentile } from '../measure/statistics.js'
import type { EgressReport } from './load.js'
import { openStream, requestPage, type StreamPath } from './stream.js'

/** `parallel` workers connect, request a small page, close, and begin again. Whatever begins in time counts. */
export async function makeConnects(
  path: StreamPath,
  parallel: number,
  milliseconds: number,
): Promise<EgressReport> {
  const startedMs = performance.now()
  const firstByteMs: number[] = []
  const work = async () => {
    for (let nowMs = startedMs; nowMs - startedMs < milliseconds; nowMs = performance.now()) {
      const socket = await openStream(path)
      firstByteMs.push((await requestPage(socket, true)) - nowMs)
      socket.destroy()
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  const seconds = (performance.now() - startedMs) / 1000
  return {
    connects: firstByteMs.length,
    connectsPerSecond: firstByteMs.length / seconds,
    firstByteP50Ms: percentile(firstByteMs, 50),
    firstByteP99Ms: percentile(firstByteMs, 99),
    clientCpuMsEach: clientCpuMs() / firstByteMs.length,
  }
}

/** Of this program, which shares the machine with what it measures. */
function clientCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
