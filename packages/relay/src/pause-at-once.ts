import type { Socket } from 'node:net'

/** The high-water mark that a socket has to have for {@link pauseAtOnce}: it reads nothing that nobody asks for. */
export const PAUSES_AT_ONCE = { highWaterMark: 0 } as const

/**
 * Makes `pause` keep a socket from reading from the next byte on. Node reads another 64 KiB of a socket that is paused as it
 * tells of a chunk, because it looks at what the stream holds and not at whether it flows. A **patch of Node's private
 * contract**: a socket delivers by `push`, and stops reading when that returns false. `pause-at-once.test.ts` holds Node to it.
 */
export function pauseAtOnce(socket: Socket): void {
  const push = socket.push.bind(socket)
  socket.push = (chunk, encoding) => push(chunk, encoding) && !socket.isPaused()
}
