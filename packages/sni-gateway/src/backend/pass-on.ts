import type { Socket } from 'node:net'
import { encodeProxyHeader } from '@reversed-vpn/daemon'
import {
  answerAndClose,
  type ByteBudget,
  type JoinedEnd,
  joinSockets,
  resetConnection,
} from '@reversed-vpn/relay'
import { type Connection, LINGER_MS } from '../accept/connection.js'
import type { EndReason } from '../end-reason.js'
import type { Route } from '../routes/route-table.js'
import { BackendError, dialBackend } from './dial-backend.js'

export interface PassOnOptions {
  readonly route: Route
  readonly dialTimeoutMs: number
  readonly budget: ByteBudget
  /** Written to the client once the backend is connected, before anything of it. @default nothing */
  readonly greeting?: string
  /** What the client has said already. The rest is read from its socket. */
  readonly head: Buffer
  readonly onDialled: (ms: number) => void
  /** The last answer to a client whose backend cannot be reached. @default nothing */
  readonly lastAnswer?: (error: BackendError) => string
}

/** How long what one end sent before it broke may take to reach the other. */
const BROKEN_LINGER_MS = 5000

const OUTCOMES = {
  'client-ended': 'ended',
  'target-ended': 'ended',
  'client-broke': 'client-reset',
  'target-broke': 'backend-reset',
  'client-timed-out': 'client-reset',
  'target-timed-out': 'backend-reset',
} as const satisfies Record<string, EndReason>

/** Connects the client to the backend of its route and copies bytes until both have ended. Never throws. */
export async function passOn(connection: Connection, options: PassOnOptions): Promise<void> {
  const { route, head, greeting, budget, dialTimeoutMs } = options
  const { socket: client, source, destination } = connection
  connection.route = route
  const dialledAtMs = performance.now()
  let backend: Socket
  try {
    backend = await dialBackend(route.backend, { timeoutMs: dialTimeoutMs, budget }, connection.signal)
  } catch (error) {
    if (error instanceof BackendError) {
      connection.end(error.reason, error.message)
      answerAndClose(client, options.lastAnswer?.(error) ?? '', { lingerMs: LINGER_MS })
    } else client.destroy()
    return
  }
  if (client.destroyed) {
    backend.destroy()
    connection.end('client-left')
    return
  }
  options.onDialled(performance.now() - dialledAtMs)
  connection.relayedAtMs = performance.now()
  if (route.proxyProtocol !== undefined) {
    backend.write(encodeProxyHeader(route.proxyProtocol, { source, destination }))
  }
  const outcome = await joinSockets(endOf(client), endOf(backend), {
    head,
    greeting,
    lingerMs: BROKEN_LINGER_MS,
    // While the kernel takes all of it, bulk does not stop at each chunk.
    maxWaitingBytes: 1,
    budget,
    onClientBytes: (bytes) => {
      connection.bytesToBackend += bytes
      connection.lastByteAtMs = performance.now()
    },
    onTargetBytes: (bytes) => {
      connection.bytesToClient += bytes
      connection.lastByteAtMs = performance.now()
    },
  })
  connection.end(OUTCOMES[outcome])
}

function endOf(socket: Socket): JoinedEnd {
  return { socket, reset: () => resetConnection(socket) }
}
