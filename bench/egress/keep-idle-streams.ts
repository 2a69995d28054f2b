import type { Socket } from 'node:net'
import { setInterval as every, setTimeout as pause } from 'node:timers/promises'
import { percentile } from '../src/measure/statistics.js'
import type { EgressReport, EgressTask } from './load.js'
import { ask, openStream, type Way } from './stream.js'

const OPENED_AT_A_TIME = 16
/** Opened and closed before the others, so that what is compiled or filled on first use is not taken for theirs. */
const WARMING_UP = 50
const REST_MS = 500

/**
 * Opens streams that stay, lets one after the other ask for a page, and at last all at once. Says `warm`, `all open` and `idle over`
 * when that is so; after the first two it rests, so that who reads along can look at memory.
 * @throws Error of the first stream that does not answer
 */
export async function keepIdleStreams(
  way: Way,
  { streams, asksPerSecond, milliseconds }: Extract<EgressTask, { manner: 'idle' }>,
): Promise<EgressReport> {
  for (const socket of await openAll(way, WARMING_UP)) socket.destroy()
  console.log('warm')
  await pause(REST_MS)
  const openingMs = performance.now()
  const sockets = await openAll(way, streams)
  const openedMs = performance.now() - openingMs
  console.log('all open')
  await pause(REST_MS)
  const turnMs = await takeTurns(sockets, 1000 / asksPerSecond, milliseconds)
  console.log('idle over')
  const askedMs = performance.now()
  const answers = await Promise.all(sockets.map((socket) => ask(socket, false)))
  const allAnsweredMs = performance.now() - askedMs
  for (const socket of sockets) socket.destroy()
  return {
    answered: answers.length,
    openedPerSecond: (1000 * sockets.length) / openedMs,
    turnP50Ms: percentile(turnMs, 50),
    turnP99Ms: percentile(turnMs, 99),
    allAnsweredMs,
  }
}

async function openAll(way: Way, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  let begun = 0
  const work = async () => {
    while (begun++ < count) {
      const socket = await openStream(way)
      await ask(socket, false)
      sockets.push(socket)
    }
  }
  await Promise.all(Array.from({ length: OPENED_AT_A_TIME }, work))
  return sockets
}

async function takeTurns(
  sockets: readonly Socket[],
  everyMs: number,
  milliseconds: number,
): Promise<number[]> {
  const turnMs: number[] = []
  const endMs = performance.now() + milliseconds
  let turn = 0
  for await (const _ of every(everyMs)) {
    const socket = sockets[turn++ % sockets.length]
    const askedMs = performance.now()
    if (socket === undefined || askedMs >= endMs) return turnMs
    turnMs.push((await ask(socket, false)) - askedMs)
  }
  return turnMs
}
