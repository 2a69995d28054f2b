import { connect, isIPv6, type Socket } from 'node:net'
import { toDialError } from '@reversed-vpn/secure'
import type { Transport } from './transport.js'

/** Where to dial: `host` is an IP address without brackets or a name. */
export interface DialTarget {
  readonly host: string
  readonly port: number
}

/** Plain TCP to an endpoint. The name is looked up anew each time and every address of it tried, both families. */
export function directTransport(endpoint: DialTarget): Transport {
  return {
    description: `TCP to ${isIPv6(endpoint.host) ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`,
    open: (signal) => openTcp(endpoint, signal),
  }
}

/**
 * Connects to a name or address: the name is looked up anew, every address of it tried.
 * @throws DialError, or the signal's reason when it fires first
 */
export function openTcp(endpoint: DialTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = connect({
      host: endpoint.host,
      port: endpoint.port,
      autoSelectFamily: true,
      noDelay: true,
    })
    const onAbort = () => socket.destroy(signal.reason as Error)
    const onError = (error: Error) => {
      signal.removeEventListener('abort', onAbort)
      reject(signal.aborted ? (signal.reason as Error) : toDialError(firstCause(error), 'unreachable'))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('error', onError)
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      resolve(socket)
    })
  })
}

/** With several addresses Node reports all their failures together; the first is the one of the preferred address. */
function firstCause(error: Error): Error {
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error
}
