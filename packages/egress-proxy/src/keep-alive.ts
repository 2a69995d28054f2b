import type { Socket } from 'node:net'
import { setTcpKeepAliveIntervalS, socketDescriptor } from '@reversed-vpn/node-tun/socket'

/** Options of every TCP socket here. Quiet connections (an idle `kubectl exec`) stay; probes only find out which have died. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 60_000 } as const

/**
 * The probes travel the tunnel as well. Ten of them have to be lost until a connection counts as dead, so at this interval an
 * outage may last five minutes.
 */
const PROBE_INTERVAL_S = 30

/** To be called once the connection is up: libuv has set an interval of one second then, and has no other. */
export function probeSlowly(transport: Socket): void {
  const fd = socketDescriptor(transport)
  if (fd !== undefined) setTcpKeepAliveIntervalS(fd, PROBE_INTERVAL_S)
}
