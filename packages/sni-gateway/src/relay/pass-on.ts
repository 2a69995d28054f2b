import { encodeProxyHeader } from '@reversed-vpn/daemon'
import type { Connection } from '../accept/connection.js'
import type { Route } from '../routes/route-table.js'
import { DialError, dialBackend } from './dial-backend.js'
import { relay } from './relay.js'

export interface PassOnOptions {
  readonly route: Route
  readonly dialTimeoutMs: number
  /** Written to the client once the backend is connected, before anything of it. @default nothing */
  readonly greeting?: string
  /** What the client has said already. The rest is read from its socket. */
  readonly head: Buffer
  readonly onDialled: (ms: number) => void
  /** What a client is told whose backend cannot be had, before it is closed. @default nothing */
  readonly farewell?: (error: DialError) => string
}

/** Connects the client to the backend of its route and carries bytes until both have ended. Never throws. */
export async function passOn(connection: Connection, options: PassOnOptions): Promise<void> {
  const { route, head, greeting } = options
  const { socket: client, source, destination } = connection
  connection.route = route
  const dialledAtMs = performance.now()
  let backend: Awaited<ReturnType<typeof dialBackend>>
  try {
    backend = await dialBackend(route.backend, options.dialTimeoutMs, connection.signal)
  } catch (error) {
    if (error instanceof DialError) {
      connection.end(error.reason, error.message)
      client.end(options.farewell?.(error) ?? '', () => client.destroy())
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
  if (head.length > 0) backend.write(head)
  connection.bytesToBackend += head.length
  if (greeting !== undefined) client.write(greeting, 'latin1')
  const outcome = await relay(client, backend, {
    onBytesToBackend: (bytes) => {
      connection.bytesToBackend += bytes
      connection.lastByteAtMs = performance.now()
    },
    onBytesToClient: (bytes) => {
      connection.bytesToClient += bytes
      connection.lastByteAtMs = performance.now()
    },
  })
  connection.end(outcome)
}
