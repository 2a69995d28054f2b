import type { Socket } from 'node:net'

/**
 * Calls `onExceeded` when more than `maxBytes` more are read from a socket. Somebody else has to read from it.
 *
 * @returns lifts the limit
 */
export function limitReceived(socket: Socket, maxBytes: number, onExceeded: () => void): () => void {
  let receivedBytes = 0
  const onData = (chunk: Buffer) => {
    receivedBytes += chunk.length
    if (receivedBytes <= maxBytes) return
    socket.off('data', onData)
    onExceeded()
  }
  socket.on('data', onData)
  return () => void socket.off('data', onData)
}
