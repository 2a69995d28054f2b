import { once } from 'node:events'
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../measure/statistics.js'
import type { EgressReport } from './load.js'
import { openStream, requestPage, type StreamPath } from './stream.js'

/** How long answers may take after SIGTERM. */
const LAST_ANSWERS_MS = 20_000

/**
 * Prints `pacing`. Until SIGTERM it connects at fixed times and requests a small page. One slow answer does not delay the next request, so that the
 * percentiles are those of the time. What gets no answer counts as failed.
 */
export async function makePacedConnects(path: StreamPath, everyMilliseconds: number): Promise<EgressReport> {
  const ending = new AbortController()
  const isEnding = once(process, 'SIGTERM').then(() => ending.abort())
  console.log('pacing')
  const firstByteMs: number[] = []
  const under: Promise<void>[] = []
  const connect = async () => {
    const beganMs = performance.now()
    const socket = await openStream(path)
    firstByteMs.push((await requestPage(socket, true)) - beganMs)
    socket.destroy()
  }
  const begin = () => under.push(connect().catch(() => {}))
  begin()
  try {
    for await (const _ of every(everyMilliseconds, undefined, { signal: ending.signal })) begin()
  } catch (error) {
    if (!ending.signal.aborted) throw error
  }
  await isEnding
  await Promise.race([Promise.all(under), sleep(LAST_ANSWERS_MS, undefined, { ref: false })])
  return {
    connects: firstByteMs.length,
    failed: under.length - firstByteMs.length,
    p50Ms: percentile(firstByteMs, 50),
    p99Ms: percentile(firstByteMs, 99),
    worstMs: Math.max(...firstByteMs),
  }
}
