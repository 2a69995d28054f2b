import { createServer, type Server, type Socket } from 'node:net'
import { listenOn, ProxyHeaderError, readProxyHeader, type TcpEndpoint } from '@reversed-vpn/daemon'
import type { EndReason } from '../end-reason.js'
import { SOCKET_BUFFER_BYTES } from '../relay/relay.js'
import { Connection, type ListenerName } from './connection.js'
import type { SourceLimits } from './source-limits.js'

export interface FrontDoorOptions {
  readonly listener: ListenerName
  /** Connections of all doors: how many there are counts, and a new one is entered. */
  readonly connections: Set<Connection>
  readonly maxConnections: number
  readonly sourceLimits: SourceLimits
  /** Whether this address is a proxy that says for whom it connects. */
  readonly isTrustedProxy: (address: string) => boolean
  /** From the accepted connection until it is known where it goes. */
  readonly firstBytesTimeoutMs: number
  /** Takes over a connection whose source is known. Its socket is half-open, swallows errors and may be paused. */
  readonly serve: (connection: Connection) => void
  readonly onEnd: (connection: Connection, reason: EndReason, detail: string | undefined) => void
  /** Accepting failed (out of descriptors, say); the door stays open. */
  readonly onError: (error: Error) => void
}

/** Dead clients are found out before a load balancer forgets them: the shortest idle time of a big cloud is 350 s. */
const TCP_KEEPALIVE_DELAY_MS = 60_000
const BACKLOG = 4096

/** A port that takes connections, lets in who may come, and finds out who they are. */
export class FrontDoor {
  readonly #options: FrontDoorOptions
  readonly #server: Server

  constructor(options: FrontDoorOptions) {
    this.#options = options
    this.#server = createServer(
      {
        allowHalfOpen: true,
        highWaterMark: SOCKET_BUFFER_BYTES,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: TCP_KEEPALIVE_DELAY_MS,
      },
      (socket) => this.#onConnection(socket),
    )
  }

  /** @throws EnvironmentError when the address cannot be had */
  async listen(endpoint: TcpEndpoint): Promise<TcpEndpoint> {
    const bound = await listenOn(this.#server, endpoint, { backlog: BACKLOG })
    this.#server.on('error', this.#options.onError)
    return bound.type === 'tcp' ? bound : endpoint
  }

  /** Takes no more connections; those that are there stay. Idempotent. */
  close(): void {
    this.#server.close()
  }

  #onConnection(socket: Socket): void {
    const { listener, connections, maxConnections, onEnd } = this.#options
    const connection = new Connection(listener, socket, onEnd)
    socket.on('error', () => {})
    if (connections.size >= maxConnections) {
      connection.drop('too-many-connections')
      return
    }
    connections.add(connection)
    socket.once('close', () => {
      connections.delete(connection)
      if (connection.relayedAtMs === undefined) connection.end('client-left')
    })
    const timer = setTimeout(() => {
      if (connection.route === undefined) connection.drop('first-bytes-timeout')
    }, this.#options.firstBytesTimeoutMs)
    connection.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
    if (this.#options.isTrustedProxy(connection.source.address)) void this.#identify(connection)
    else this.#admit(connection, connection.source.address)
  }

  async #identify(connection: Connection): Promise<void> {
    try {
      const { source, destination } = await readProxyHeader(connection.socket, connection.signal)
      connection.source = source ?? connection.source
      connection.destination = destination ?? connection.destination
      // A connection of the proxy's own is not one of its clients': no client's limit is for it.
      this.#admit(connection, source?.address)
    } catch (error) {
      if (connection.hasEnded) return
      const isMalformed = error instanceof ProxyHeaderError && error.code === 'ERR_PROXY_HEADER_MALFORMED'
      connection.drop(
        isMalformed ? 'proxy-header-malformed' : 'proxy-header-missing',
        (error as Error).message,
      )
    }
  }

  #admit(connection: Connection, source: string | undefined): void {
    if (source !== undefined) {
      const giveBack = this.#options.sourceLimits.take(source)
      if (giveBack === undefined) {
        connection.drop('source-limit')
        return
      }
      connection.socket.once('close', giveBack)
    }
    this.#options.serve(connection)
  }
}
