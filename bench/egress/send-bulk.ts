import { once } from 'node:events'
import type { EgressReport } from './load.js'
import { sendWithoutEnd } from './send-without-end.js'
import { openStream, type StreamPath } from './stream.js'

/** One stream at full speed. The receiver counts, from the first byte on. */
export async function sendBulk(
  path: StreamPath,
  direction: 'download' | 'upload',
  milliseconds: number,
): Promise<EgressReport> {
  const startedMs = performance.now()
  const socket = await openStream(path)
  socket.write(`${direction} ${milliseconds}\n`)
  let receivedBytes = 0
  let firstByteMs = Number.NaN
  let answer = ''
  const until = direction === 'download' ? milliseconds : Number.POSITIVE_INFINITY
  socket.on('data', (chunk: Buffer) => {
    if (receivedBytes === 0) firstByteMs = performance.now()
    receivedBytes += chunk.length
    if (direction === 'upload') answer += chunk.toString('latin1')
    if (answer.endsWith('\n') || performance.now() - firstByteMs >= until) socket.destroy()
  })
  socket.resume()
  if (direction === 'upload') sendWithoutEnd(socket)
  await once(socket, 'close')
  const { bytes, seconds } =
    direction === 'upload'
      ? JSON.parse(answer)
      : { bytes: receivedBytes, seconds: (performance.now() - firstByteMs) / 1000 }
  return { bytes, bitsPerSecond: (8 * bytes) / seconds, firstByteMs: firstByteMs - startedMs }
}
