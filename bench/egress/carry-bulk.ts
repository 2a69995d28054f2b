import { once } from 'node:events'
import type { EgressReport } from './load.js'
import { openStream, type Way } from './stream.js'

const BLOCK = Buffer.alloc(256 * 1024)

/** One stream, as fast as it goes, counted by who receives it from its first byte on. */
export async function carryBulk(
  way: Way,
  direction: 'download' | 'upload',
  milliseconds: number,
): Promise<EgressReport> {
  const startedMs = performance.now()
  const socket = await openStream(way)
  socket.write(`${direction} ${milliseconds}\n`)
  let receivedBytes = 0
  let firstByteMs = Number.NaN
  let said = ''
  const until = direction === 'download' ? milliseconds : Number.POSITIVE_INFINITY
  socket.on('data', (chunk: Buffer) => {
    if (receivedBytes === 0) firstByteMs = performance.now()
    receivedBytes += chunk.length
    if (direction === 'upload') said += chunk.toString('latin1')
    if (said.endsWith('\n') || performance.now() - firstByteMs >= until) socket.destroy()
  })
  socket.resume()
  if (direction === 'upload') {
    const fill = () => {
      while (!socket.destroyed && socket.write(BLOCK)) {
        // Until it says that it is full.
      }
    }
    socket.on('drain', fill)
    fill()
  }
  await once(socket, 'close')
  const { bytes, seconds } =
    direction === 'upload'
      ? JSON.parse(said)
      : { bytes: receivedBytes, seconds: (performance.now() - firstByteMs) / 1000 }
  return { bytes, bitsPerSecond: (8 * bytes) / seconds, firstByteMs: firstByteMs - startedMs }
}
