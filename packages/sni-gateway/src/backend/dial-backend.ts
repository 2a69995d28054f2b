import type { Socket } from 'node:net'
import type { TcpEndpoint } from '@reversed-vpn/daemon'
import { type ByteBudget, dialTcp, withDeadline } from '@reversed-vpn/relay'
import { TCP_KEEPALIVE_DELAY_MS } from '../accept/connection.js'
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

/** As that of a client: what is beyond one write waits where it is counted. */
const WRITE_BUFFER_BYTES = 16_384

const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  highWaterMark: WRITE_BUFFER_BYTES,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEPALIVE_DELAY_MS,
} as const

/**
 * Connects to a backend, to be read by `budget`. Its name is looked up each time, and all its addresses race. The socket is
 * half-open and paused, and swallows errors.
 *
 * @throws BackendError; the signal's reason
 */
export async function dialBackend(
  backend: TcpEndpoint,
  { timeoutMs, budget }: { readonly timeoutMs: number; readonly budget: ByteBudget },
  signal: AbortSignal,
): Promise<Socket> {
  const error = () => new BackendError('backend-timeout', `no answer within ${timeoutMs} ms`)
  return withDeadline(signal, { ms: timeoutMs, error }, async (signal) => {
    try {
      return await dialTcp(backend, { socket: { ...SOCKET_OPTIONS, onread: budget.reads() } }, signal)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const { code, message } = error as NodeJS.ErrnoException
      throw new BackendError(reasonOf(code), code ?? message, error)
    }
  })
}

function reasonOf(code: string | undefined): EndReason {
  if (code === 'ECONNREFUSED') return 'backend-refused'
  if (code === 'ETIMEDOUT') return 'backend-timeout'
  return code === 'ENOTFOUND' || code?.startsWith('EAI_') ? 'lookup-failed' : 'backend-unreachable'
}
