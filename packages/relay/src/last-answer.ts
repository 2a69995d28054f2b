import type { Socket } from 'node:net'

interface LastAnswerOptions {
  /** How long the other end may take to read it and to close. */
  readonly lingerMs: number
  /** How much may have been read of the other end in all; more is read no further. @default 32768 */
  readonly maxReadBytes?: number
}

const dropping = new WeakSet<Socket>()

/** Whether a socket has its last answer, and what is still read of it is for nobody. */
export function isDropping(socket: Socket): boolean {
  return dropping.has(socket)
}

/**
 * Writes a last answer and closes. Until the other end has ended, within limits of time and bytes, what it still sends is read
 * and dropped: closing a socket with unread bytes resets the connection, and a reset can overtake the answer.
 *
 * @param answer text is sent as Latin-1
 */
export function answerAndClose(socket: Socket, answer: string | Buffer, options: LastAnswerOptions): void {
  const { lingerMs, maxReadBytes = 32_768 } = options
  dropping.add(socket)
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.once('end', () => socket.destroySoon())
  const readOn = () => {
    if (socket.bytesRead <= maxReadBytes) {
      socket.resume()
      return
    }
    socket.pause()
    socket.destroySoon()
  }
  socket.removeAllListeners('data').on('data', readOn)
  socket.end(answer, 'latin1')
  readOn()
}
