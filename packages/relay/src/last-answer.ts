import type { Socket } from 'node:net'

/** Who sends more than this behind a request has no use for the answer. */
const MAX_DROPPED_BYTES = 2_097_152

/**
 * Writes a last answer and closes. Until the other end has ended, for at most `lingerMs` and up to 2 MiB, what it still
 * sends is read and dropped: closing a socket with unread bytes resets the connection, and a reset can overtake the answer.
 *
 * @param answer text is sent as Latin-1
 */
export function answerAndClose(socket: Socket, answer: string | Buffer, lingerMs: number): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.once('end', () => socket.destroySoon())
  let droppedBytes = 0
  socket.removeAllListeners('data').on('data', (chunk: Buffer) => {
    droppedBytes += chunk.length
    if (droppedBytes > MAX_DROPPED_BYTES) socket.pause()
  })
  socket.end(answer, 'latin1')
  socket.resume()
}
