import { percentile } from '../src/measure/statistics.js'
import type { EgressReport } from './load.js'
import { ask, openStream, type Way } from './stream.js'

/** So many at a time: connect, ask for a small page, close; the next. What is begun in time counts. */
export async function makeConnects(way: Way, parallel: number, milliseconds: number): Promise<EgressReport> {
  const startedMs = performance.now()
  const firstByteMs: number[] = []
  const work = async () => {
    for (let nowMs = startedMs; nowMs - startedMs < milliseconds; nowMs = performance.now()) {
      const socket = await openStream(way)
      firstByteMs.push((await ask(socket, true)) - nowMs)
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
