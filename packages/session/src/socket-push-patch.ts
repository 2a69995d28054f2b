import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { COALESCE_PAUSE_MS, READ_TURN_BYTES } from './limits.js'
import { ReadCoalescer } from './read-coalescer.js'

/**
 * Hands over every chunk of a stream as it comes, like a `data` listener. On a socket the chunks take a
 * shorter path, by a **patch of Node's private contract**: a socket delivers by `push` until that returns
 * false, and reads on when `_read` is called. Our own `push` gets a chunk before the stream queues, emits and
 * schedules anything. `socket-push-patch.test.ts` holds Node to this.
 *
 * What is queued already, or comes while the stream is paused, goes through the stream and keeps its place;
 * so do the end and errors. Streams that are no socket wait to be asked for more after each `push`, and are
 * left as they are.
 *
 * A `push` that returns false stops reading until `_read`: after every `READ_TURN_BYTES`, so that everything
 * else that the loop watches has its turn, and for `COALESCE_PAUSE_MS` where bulk comes in small pieces, so
 * that it gathers in the kernel.
 */
export function takeChunks(stream: Duplex, onChunk: (chunk: Buffer) => void): void {
  if (stream instanceof Socket) patchPush(stream, onChunk)
  stream.on('data', onChunk)
}

function patchPush(socket: Socket, onChunk: (chunk: Buffer) => void): void {
  const push = socket.push.bind(socket)
  const coalescer = new ReadCoalescer()
  let isPausing = false
  let turnBytes = 0
  const readOn = () => {
    isPausing = false
    turnBytes = 0
    if (!socket.destroyed) socket._read(0)
  }
  socket.push = (chunk, encoding) => {
    const isDirect = chunk !== null && socket.readableFlowing === true && socket.readableLength === 0
    if (!isDirect) return push(chunk, encoding)
    onChunk(chunk as Buffer)
    turnBytes += chunk.length
    const isCoalescing = coalescer.add(chunk.length, performance.now())
    if (isPausing) return false
    isPausing = isCoalescing || turnBytes >= READ_TURN_BYTES
    if (isCoalescing) setTimeout(readOn, COALESCE_PAUSE_MS)
    else if (isPausing) setImmediate(readOn)
    return !isPausing
  }
}
