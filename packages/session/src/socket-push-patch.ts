import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { READ_TURN_BYTES, TRICKLE_PAUSE_MS } from './limits.js'
import { TrickleWatch } from './trickle-watch.js'

/**
 * Hands over every chunk of a stream as it comes, like a `data` listener, but on a shorter way where that is a socket: its source
 * delivers by `push` and goes on as long as that returns true, so a `push` of our own gets the chunk before the stream has queued,
 * emitted and scheduled anything. What is already queued, or comes while the stream is paused, takes the usual way and keeps
 * its place; so do the end and errors. Other streams wait to be asked for more after each `push`, and keep their own.
 *
 * A `push` that returns false has the socket read no more until it is asked to: after every `READ_TURN_BYTES`, so that what else the loop
 * watches has its turn, and for a moment where bulk comes in small pieces, so that it gathers in the kernel.
 */
export function takeChunks(stream: Duplex, onChunk: (chunk: Buffer) => void): void {
  if (stream instanceof Socket) shortenWay(stream, onChunk)
  stream.on('data', onChunk)
}

function shortenWay(socket: Socket, onChunk: (chunk: Buffer) => void): void {
  const push = socket.push.bind(socket)
  const trickle = new TrickleWatch()
  let isPausing = false
  let turnBytes = 0
  const goOn = () => {
    isPausing = false
    turnBytes = 0
    if (!socket.destroyed) socket._read(0)
  }
  socket.push = (chunk, encoding) => {
    const isDirect = chunk !== null && socket.readableFlowing === true && socket.readableLength === 0
    if (!isDirect) return push(chunk, encoding)
    onChunk(chunk as Buffer)
    turnBytes += chunk.length
    const isTrickle = trickle.add(chunk.length, performance.now())
    if (isPausing) return false
    isPausing = isTrickle || turnBytes >= READ_TURN_BYTES
    if (isTrickle) setTimeout(goOn, TRICKLE_PAUSE_MS)
    else if (isPausing) setImmediate(goOn)
    return !isPausing
  }
}
