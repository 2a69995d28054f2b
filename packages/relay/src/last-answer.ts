import type { Socket } from 'node:net'

/**
 * Writes a last answer and closes. Until the other end has ended, for at most `lingerMs`, what it still sends is read and
 * dropped: closing a socket with unread bytes resets the connection, and a reset can overtake the answer.
 *
 * @param answer text is sent as Latin-1
 */
export function answerAndClose(socket: Socket, answer: string | Buffer, lingerMs: number): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.once('end', () => socket.destroySoon())
  socket.removeAllListeners('data')
  socket.end(answer, 'latin1')
  socket.resume()
}
