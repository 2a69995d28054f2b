import type { Socket } from 'node:net'

/** toBackend: from the client to the backend. toClient: from the backend to the client. */
export interface RelayEvents {
  readonly onBytesToBackend: (bytes: number) => void
  readonly onBytesToClient: (bytes: number) => void
}

export type RelayOutcome = 'ended' | 'client-reset' | 'backend-reset'

/**
 * What may wait for a socket before its peer is held up. Node's 16 KiB would stop a relay of bulk at every read, which is 64 KiB; twice
 * that lets one chunk be written while the next is read.
 */
export const SOCKET_BUFFER_BYTES = 131_072

/** How long what one end said before it broke may take to reach the other. */
const LINGER_MS = 5000

/**
 * Copies both ways until both sockets are closed. The end of one direction is passed on alone (half-close); a socket that breaks breaks the
 * other, after what it said was handed over. Memory is bounded by the buffers of the two: who does not read is not read for.
 *
 * @param client paused or flowing, half-open, with whatever it said before still in it
 * @param backend as `client`
 */
export async function relay(client: Socket, backend: Socket, events: RelayEvents): Promise<RelayOutcome> {
  let broken: RelayOutcome | undefined
  const closed = Promise.all([
    closeOf(client, () => {
      broken ??= 'client-reset'
      breakAfterTail(backend)
    }),
    closeOf(backend, () => {
      broken ??= 'backend-reset'
      breakAfterTail(client)
    }),
  ])
  pump(client, backend, events.onBytesToBackend)
  pump(backend, client, events.onBytesToClient)
  await closed
  return broken ?? 'ended'
}

function pump(from: Socket, to: Socket, onBytes: (bytes: number) => void): void {
  if (from.destroyed) return
  from.on('end', () => to.end())
  to.on('drain', () => from.resume())
  from.on('data', (chunk: Buffer) => {
    onBytes(chunk.length)
    if (!to.write(chunk)) from.pause()
  })
  if (from.readableEnded) to.end()
  else from.resume()
}

/** Resolves when `socket` is closed; `onBroken` is called first where it did not end in both directions. */
function closeOf(socket: Socket, onBroken: () => void): Promise<void> {
  return new Promise((resolve) => {
    const onClose = () => {
      if (!socket.readableEnded || !socket.writableFinished) onBroken()
      resolve()
    }
    if (socket.destroyed) onClose()
    else socket.once('close', onClose)
  })
}

/** A FIN would make a torn stream look whole, so it is a reset, behind what is still to be sent. */
function breakAfterTail(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.writableLength === 0) {
    socket.resetAndDestroy()
    return
  }
  // Nobody takes what it still says; unread, it would turn the close into a reset that overtakes the tail.
  socket.removeAllListeners('data')
  socket.resume()
  const timer = setTimeout(() => socket.resetAndDestroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  if (socket.writableEnded) socket.once('finish', () => socket.resetAndDestroy())
  else socket.write('', () => socket.resetAndDestroy())
}
