import type { Socket } from 'node:net'

/** Who is at the other end: IPv4 as such, though a socket of both families names it IPv4-mapped. */
export function remoteAddressOf(socket: Socket): string {
  return socket.remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/, '') ?? 'unknown'
}
