import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EgressReport, EgressTask } from './load.js'
import { patternAt } from './pattern.js'
import { openStreams, type StreamPath } from './stream.js'

/** Between the last of them being open and the first byte: the other load starts meanwhile. */
const REST_MS = 1_000

interface Received {
  readonly bytes: number
  readonly isWhole: boolean
  readonly endMs: number
}

/**
 * Opens streams, prints `all open`, and then downloads on all of them at once. A stream that ends early, or has a byte that was
 * not sent on it, is not whole; the others go on.
 */
export async function receiveMany(
  path: StreamPath,
  task: Extract<EgressTask, { kind: 'many' }>,
): Promise<EgressReport> {
  const sockets = await openStreams(path, task.streams)
  console.log('all open')
  await sleep(REST_MS)
  const startedMs = performance.now()
  const giveUp = setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, task.milliseconds)
  const received = await Promise.all(
    sockets.map((socket, stream) => {
      const stillMs = stream < task.stillStreams ? task.stillMilliseconds : 0
      return receive(socket, stream, task.bytesEach, stillMs)
    }),
  )
  clearTimeout(giveUp)
  const secondsOf = (some: readonly Received[]) =>
    (Math.max(...some.map(({ endMs }) => endMs)) - startedMs) / 1000
  const bytes = received.reduce((sum, one) => sum + one.bytes, 0)
  return {
    whole: received.filter(({ isWhole }) => isWhole).length,
    bytes,
    megabytesPerSecond: bytes / 1e6 / secondsOf(received),
    readersSeconds: secondsOf(received.slice(task.stillStreams)),
  }
}

async function receive(socket: Socket, stream: number, bytes: number, stillMs: number): Promise<Received> {
  let position = 0
  let isRight = true
  socket.on('data', (chunk: Buffer) => {
    isRight &&= isAsSent(chunk, stream, position)
    position += chunk.length
    if (!isRight || position >= bytes) socket.destroy()
  })
  socket.pause()
  socket.write(`send ${stream} ${bytes}\n`)
  const resume = setTimeout(() => socket.resume(), stillMs)
  if (!socket.destroyed) await once(socket, 'close')
  clearTimeout(resume)
  return { bytes: position, isWhole: isRight && position === bytes, endMs: performance.now() }
}

function isAsSent(chunk: Buffer, stream: number, start: number): boolean {
  for (let done = 0; done < chunk.length; ) {
    const expected = patternAt(stream, start + done, chunk.length - done)
    if (!expected.equals(chunk.subarray(done, done + expected.length))) return false
    done += expected.length
  }
  return true
}
