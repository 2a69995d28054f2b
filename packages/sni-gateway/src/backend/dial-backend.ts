import { connect, type NetConnectOpts, type Socket } from 'node:net'
import type { TcpEndpoint } from '@reversed-vpn/daemon'
import { untilConnected } from '@reversed-vpn/relay'
import { SOCKET_BUFFER_BYTES, TCP_KEEPALIVE_DELAY_MS } from '../accept/connection.js'
import type { EndReason } from '../end-reason.js'

/** A backend that cannot be reached. */
export class BackendError extends Error {
  readonly reason: EndReason

  constructor(reason: EndReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'BackendError'
    this.reason = reason
  }
}

/** How long one of several addresses may take before the next one is tried beside it (RFC 8305 §5). */
const NEXT_ADDRESS_AFTER_MS = 1000

/** An option of every stream, which `connect` passes on and its types leave out. */
type SocketBuffering = { readonly highWaterMark: number }

/**
 * Connects to a backend. Its name is looked up each time, and all its addresses are tried. The socket is half-open and
 * paused, and swallows errors.
 *
 * @throws BackendError; the signal's reason
 */
export function dialBackend(backend: TcpEndpoint, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
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
  return untilConnected(socket, {
    signal,
    event: 'connect',
    timeout: {
      ms: timeoutMs,
      error: () => new BackendError('backend-timeout', `no answer within ${timeoutMs} ms`),
    },
    toError(error) {
      const code = codeOf(error)
      return new BackendError(reasonOf(code), code ?? error.message, error)
    },
    destroy: () => socket.destroy(),
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
