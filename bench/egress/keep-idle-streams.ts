import type { Socket } from 'node:net'
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../measure/statistics.js'
import type { EgressReport, EgressTask } from './load.js'
import { openStreams, requestPage, type StreamPath } from './stream.js'

/** Opened and closed first, so that code and buffers of the first use are not counted for the streams. */
const WARM_UP_STREAMS = 50
const REST_MS = 500

/**
 * Opens streams that stay, requests a page on them in turn, and at last on all at once. Prints `warm`, `all open` and `idle over`
 * at these points. It rests after the first two, so that the reader of these lines can read the memory.
 * @throws Error of the first stream without an answer
 */
export async function keepIdleStreams(
  path: StreamPath,
  { streams, requestsPerSecond, milliseconds }: Extract<EgressTask, { kind: 'idle' }>,
): Promise<EgressReport> {
  for (const socket of await openAll(path, WARM_UP_STREAMS)) socket.destroy()
  console.log('warm')
  await sleep(REST_MS)
  const openingMs = performance.now()
  const sockets = await openAll(path, streams)
  const openedMs = performance.now() - openingMs
  console.log('all open')
  await sleep(REST_MS)
  const turnMs = await requestInTurn(sockets, 1000 / requestsPerSecond, milliseconds)
  console.log('idle over')
  const requestedMs = performance.now()
  const answers = await Promise.all(sockets.map((socket) => requestPage(socket, false)))
  const allAnsweredMs = performance.now() - requestedMs
  for (const socket of sockets) socket.destroy()
  return {
    answered: answers.length,
    openedPerSecond: (1000 * sockets.length) / openedMs,
    turnP50Ms: percentile(turnMs, 50),
    turnP99Ms: percentile(turnMs, 99),
    allAnsweredMs,
  }
}

function openAll(path: StreamPath, count: number): Promise<Socket[]> {
  return openStreams(path, count, (socket) => requestPage(socket, false))
}

async function requestInTurn(
  sockets: readonly Socket[],
  everyMs: number,
  milliseconds: number,
): Promise<number[]> {
  const turnMs: number[] = []
  const endMs = performance.now() + milliseconds
  let turn = 0
  for await (const _ of every(everyMs)) {
    const socket = sockets[turn++ % sockets.length]
    const requestedMs = performance.now()
    if (socket === undefined || requestedMs >= endMs) return turnMs
    turnMs.push((await requestPage(socket, false)) - requestedMs)
  }
  return turnMs
}
