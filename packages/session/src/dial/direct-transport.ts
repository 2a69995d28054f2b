import { isIPv6, type Socket } from 'node:net'
import { type DialTarget, dialTcp } from '@reversed-vpn/relay'
import { toDialError } from '@reversed-vpn/secure'
import type { Transport } from './transport.js'

export type { DialTarget } from '@reversed-vpn/relay'

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
  try {
    return await dialTcp(endpoint, { socket: { noDelay: true } }, signal)
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw error
    throw toDialError(error, 'unreachable')
  }
}
