import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/**
 * Hands over every chunk of a stream as it comes, like a `data` listener, but on a shorter way where that is a socket: its source
 * delivers by `push` and goes on as long as that returns true, so a `push` of our own gets the chunk before the stream has queued,
 * emitted and scheduled anything. What is already queued, or comes while the stream is paused, takes the usual way and keeps
 * its place; so do the end and errors. Other streams wait to be asked for more after each `push`, and keep their own.
 */
export function takeChunks(stream: Duplex, onChunk: (chunk: Buffer) => void): void {
  if (stream instanceof Socket) shortenWay(stream, onChunk)
  stream.on('data', onChunk)
}

function shortenWay(socket: Socket, onChunk: (chunk: Buffer) => void): void {
  const push = socket.push.bind(socket)
  socket.push = (chunk, encoding) => {
    const isDirect = chunk !== null && socket.readableFlowing === true && socket.readableLength === 0
    if (!isDirect) return push(chunk, encoding)
    onChunk(chunk as Buffer)
    return true
  }
}
