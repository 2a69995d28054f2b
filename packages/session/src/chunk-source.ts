import type { Duplex } from 'node:stream'

/**
 * Hands over every chunk of a stream as it comes, like a `data` listener, on a shorter way: a source delivers by `push`, so a `push` of
 * our own gets the chunk before the stream has queued, emitted and scheduled anything. Whatever is already queued, or comes
 * while the stream is paused, takes the usual way and keeps its place; so do the end and errors.
 */
export function takeChunks(stream: Duplex, onChunk: (chunk: Buffer) => void): void {
  const push = stream.push.bind(stream)
  stream.push = (chunk, encoding) => {
    const isDirect = chunk !== null && stream.readableFlowing === true && stream.readableLength === 0
    if (!isDirect) return push(chunk, encoding)
    onChunk(chunk as Buffer)
    return true
  }
  stream.on('data', onChunk)
}
