import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** Whether a connection can be handed to another thread: as a descriptor, and what was read of it already. */
export function canMove(socket: Socket): boolean {
  return !(socket instanceof TLSSocket) && !socket.destroyed && socket.writableLength === 0
}
