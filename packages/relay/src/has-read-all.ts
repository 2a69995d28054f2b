import type { Socket } from 'node:net'
import { getUnreadBytes, socketDescriptor } from '@reversed-vpn/node-tun/socket'

/** Whether the other end of a Unix socket has read all that was written to it; true of one that is closed. */
export function hasReadAll(socket: Socket): boolean {
  const fd = socketDescriptor(socket)
  return fd === undefined || getUnreadBytes(fd) === 0
}
