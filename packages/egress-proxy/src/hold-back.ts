import type { Socket } from 'node:net'
import { getUnreadBytes, socketDescriptor } from '@reversed-vpn/node-tun/socket'

/** Nothing tells when the other end of a Unix socket reads. */
const LOOK_INTERVAL_MS = 1

/** Calls `proceed` once the caller on a Unix socket has read all that was written to it, or is gone, or after `maxMs`. */
export function holdBack(caller: Socket, maxMs: number, proceed: () => void): void {
  const untilMs = performance.now() + maxMs
  const release = () => {
    clearInterval(timer)
    caller.off('close', release)
    proceed()
  }
  const timer = setInterval(() => {
    if (hasReadAll(caller) || performance.now() >= untilMs) release()
  }, LOOK_INTERVAL_MS)
  caller.on('close', release)
}

/** Whether the other end of a Unix socket has read all that was written to it; true of one that is closed. */
function hasReadAll(socket: Socket): boolean {
  const fd = socketDescriptor(socket)
  return fd === undefined || getUnreadBytes(fd) === 0
}
