import type { Socket } from 'node:net'

/**
 * Destroys a socket so that its peer sees a reset, not an end. Where a shutdown waits behind unsent bytes the peer sees the
 * connection close instead: libuv refuses to reset such a handle, and Node 20 then never closes it.
 *
 * @param transport the TCP socket beneath, where `socket` is TLS
 */
export function resetConnection(socket: Socket, transport: Socket = socket): void {
  const isShutdownPending = socket.writableEnded && !socket.writableFinished
  if (!isShutdownPending && !transport.destroyed) transport.resetAndDestroy()
  socket.destroy()
}
