import { connect, type NetConnectOpts, type Socket } from 'node:net'
import type { TcpEndpoint } from '@reversed-vpn/daemon'
import type { EndReason } from '../end-reason.js'
import { SOCKET_BUFFER_BYTES } from './relay.js'

/** A backend that cannot be had. */
export class DialError extends Error {
  readonly reason: EndReason

  constructor(reason: EndReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DialError'
    this.reason = reason
  }
}

/** How long one of several addresses may take before the next one is tried beside it (RFC 8305 §5). */
const NEXT_ADDRESS_AFTER_MS = 1000
const TCP_KEEPALIVE_DELAY_MS = 60_000

/** Which option of every stream `connect` passes on, and its types leave out. */
type SocketBuffering = { readonly highWaterMark: number }

/**
 * Connects to a backend: its name is looked up anew, all its addresses are tried. The socket is half-open and paused, and swallows
 * errors.
 *
 * @throws DialError; the signal's reason
 */
export function dialBackend(backend: TcpEndpoint, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options: NetConnectOpts & SocketBuffering = {
      host: backend.host,
      port: backend.port,
      allowHalfOpen: true,
      highWaterMark: SOCKET_BUFFER_BYTES,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEPALIVE_DELAY_MS,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    }
    const socket = connect(options)
    const settle = (conclude: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      conclude()
    }
    const fail = (error: unknown) =>
      settle(() => {
        socket.destroy()
        reject(error)
      })
    const timer = setTimeout(() => {
      fail(new DialError('backend-timeout', `no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    const onAbort = () => fail(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    // Both stay: an error after the connect must not end the process; what was settled is not settled again.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = codeOf(error)
      fail(new DialError(reasonOf(code), code ?? error.message, error))
    })
    socket.once('connect', () => settle(() => resolve(socket)))
  })
}

/** Of several addresses that all failed, the code of the first. */
function codeOf(error: NodeJS.ErrnoException): string | undefined {
  const [first] = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error]
  return first?.code ?? error.code
}

function reasonOf(code: string | undefined): EndReason {
  if (code === 'ECONNREFUSED') return 'backend-refused'
  if (code === 'ETIMEDOUT') return 'backend-timeout'
  return code === 'ENOTFOUND' || code?.startsWith('EAI_') ? 'lookup-failed' : 'backend-unreachable'
}
