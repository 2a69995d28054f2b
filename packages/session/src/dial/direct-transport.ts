import { connect, isIPv6, type Socket } from 'node:net'
import { untilConnected } from '@reversed-vpn/relay'
import { toDialError } from '@reversed-vpn/secure'
import type { Transport } from './transport.js'

/** Where to dial: `host` is an IP address without brackets or a name. */
export interface DialTarget {
  readonly host: string
  readonly port: number
}

/** Plain TCP. The name is resolved for each dial, and all its addresses of both families are tried. */
export function directTransport(endpoint: DialTarget): Transport {
  return {
    description: `TCP to ${isIPv6(endpoint.host) ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`,
    open: (signal) => openTcp(endpoint, signal),
  }
}

/**
 * Connects to a name or address. The name is resolved first, and all its addresses are tried.
 * @throws DialError, or the signal's reason when it fires first
 */
export async function openTcp(endpoint: DialTarget, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = connect({
    host: endpoint.host,
    port: endpoint.port,
    autoSelectFamily: true,
    noDelay: true,
  })
  return untilConnected(socket, {
    signal,
    event: 'connect',
    toError: (error) => toDialError(firstCause(error), 'unreachable'),
    destroy: () => socket.destroy(),
  })
}

/** With several addresses Node reports all failures together. The first is that of the preferred address. */
function firstCause(error: Error): Error {
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error
}
