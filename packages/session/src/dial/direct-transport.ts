import { isIPv6, Socket, type SocketConstructorOpts } from 'node:net'
import { openTcpSocket } from '@reversed-vpn/node-tun/socket'
import { type DialTarget, dialTcp, formatHostPort } from '@reversed-vpn/relay'
import { toDialError } from '@reversed-vpn/secure'
import type { Transport } from './transport.js'

export type { DialTarget } from '@reversed-vpn/relay'

/** What holds for a connection of ours to the next hop. */
export interface HopSocketOptions {
  /** The largest TCP segment in either direction, in bytes. @default by the MTU of the interface */
  readonly maxSegment?: number | undefined
}

/** Plain TCP. The name is resolved for each dial, and all its addresses of both families are tried. */
export function directTransport(endpoint: DialTarget, options: HopSocketOptions = {}): Transport {
  return {
    description: `TCP to ${formatHostPort(endpoint.host, endpoint.port)}`,
    open: (signal) => openTcp(endpoint, options, signal),
  }
}

/**
 * Connects to a name or address. The name is resolved first, and all its addresses are tried.
 * @throws DialError, or the signal's reason when it fires first
 */
export async function openTcp(
  endpoint: DialTarget,
  { maxSegment }: HopSocketOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const createSocket =
    maxSegment === undefined ? undefined : (address: string) => openLimited(address, maxSegment)
  try {
    return await dialTcp(endpoint, { socket: { noDelay: true }, createSocket }, signal)
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw error
    throw toDialError(error, 'unreachable')
  }
}

/** Not connected yet. `noDelay` and `manualStart`, which keeps it from reading before, are options that the types leave out. */
function openLimited(address: string, maxSegment: number): Socket {
  const options: SocketConstructorOpts & { noDelay: boolean; manualStart: boolean } = {
    fd: openTcpSocket({ family: isIPv6(address) ? 6 : 4, maxSegment }),
    readable: true,
    writable: true,
    noDelay: true,
    manualStart: true,
  }
  return new Socket(options)
}
