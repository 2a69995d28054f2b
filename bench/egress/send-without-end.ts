import type { Socket } from 'node:net'

const BLOCK = Buffer.alloc(256 * 1024)

/** Writes whenever the socket accepts more, until it is destroyed. */
export function sendWithoutEnd(socket: Socket): void {
  const fill = () => {
    while (!socket.destroyed && socket.write(BLOCK)) {
      // `write` returns false when the buffer is full.
    }
  }
  socket.on('drain', fill)
  fill()
}
