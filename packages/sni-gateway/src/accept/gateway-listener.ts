import { createServer, type Server, type Socket } from 'node:net'
import { listenOn, ProxyHeaderError, readProxyHeader, type TcpEndpoint } from '@reversed-vpn/daemon'
import { type Admission, type AdmissionEntry, acceptInto, type ByteBudget } from '@reversed-vpn/relay'
import type { EndReason } from '../end-reason.js'
import { Connection, type ListenerName, TCP_KEEPALIVE_DELAY_MS } from './connection.js'

interface GatewayListenerOptions {
  readonly listener: ListenerName
  /** Open connections of all listeners. New ones are added. */
  readonly connections: Set<Connection>
  /** Of all listeners. */
  readonly admission: Admission<Socket>
  /** Of all listeners. */
  readonly budget: ByteBudget
  /** Whether this address is a proxy that says for whom it connects. */
  readonly isTrustedProxy: (address: string) => boolean
  /** From the accepted connection until it is known where it goes. */
  readonly firstBytesTimeoutMs: number
  /** Takes over a connection whose source is known. Its socket is half-open, swallows errors and may be paused. */
  readonly serve: (connection: Connection) => void
  readonly onEnd: (connection: Connection, reason: EndReason, detail: string | undefined) => void
  /** Accepting failed (out of descriptors, say); the port stays open. */
  readonly onError: (error: Error) => void
}

const BACKLOG = 4096

/** A port: accepts connections within their limits and finds out who the client is. */
export class GatewayListener {
  readonly #options: GatewayListenerOptions
  readonly #server: Server

  constructor(options: GatewayListenerOptions) {
    this.#options = options
    this.#server = createServer(
      {
        pauseOnConnect: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: TCP_KEEPALIVE_DELAY_MS,
      },
      (socket) => this.#onConnection(acceptInto(socket, options.budget.reads())),
    )
  }

  /** @throws EnvironmentError when it cannot listen there */
  async listen(endpoint: TcpEndpoint, signal: AbortSignal): Promise<TcpEndpoint> {
    const bound = await listenOn(this.#server, endpoint, { backlog: BACKLOG, signal })
    this.#server.on('error', this.#options.onError)
    return bound.type === 'tcp' ? bound : endpoint
  }

  /** Takes no more connections; those that are there stay. Idempotent. */
  close(): void {
    this.#server.close()
  }

  #onConnection(socket: Socket): void {
    const { listener, connections, admission, firstBytesTimeoutMs, isTrustedProxy, onEnd } = this.#options
    const connection = new Connection(listener, socket, onEnd)
    const { address } = connection.source
    const entry = admission.enter(socket, address)
    if (entry.dropped !== undefined) {
      connection.end('too-many-connections')
      return
    }
    connections.add(connection)
    const timer = setTimeout(() => {
      if (connection.route === undefined) connection.drop('first-bytes-timeout')
    }, firstBytesTimeoutMs)
    socket.once('close', () => {
      clearTimeout(timer)
      connections.delete(connection)
      if (connection.relayedAtMs === undefined) connection.end('client-left')
    })
    if (isTrustedProxy(address)) void this.#identify(connection, entry)
    else this.#admit(connection, entry, address)
  }

  async #identify(connection: Connection, entry: AdmissionEntry<Socket>): Promise<void> {
    try {
      const { source, destination } = await readProxyHeader(connection.socket, connection.signal)
      connection.source = source ?? connection.source
      connection.destination = destination ?? connection.destination
      // The proxy's own connections, such as health checks, count for no client.
      this.#admit(connection, entry, source?.address)
    } catch (error) {
      if (connection.hasEnded) return
      const isMalformed = error instanceof ProxyHeaderError && error.code === 'ERR_PROXY_HEADER_MALFORMED'
      connection.drop(
        isMalformed ? 'proxy-header-malformed' : 'proxy-header-missing',
        (error as Error).message,
      )
    }
  }

  #admit(connection: Connection, entry: AdmissionEntry<Socket>, source: string | undefined): void {
    if (source !== undefined) this.#options.admission.attribute(entry, source)
    if (entry.dropped === undefined) this.#options.serve(connection)
    else connection.end('source-limit')
  }
}
