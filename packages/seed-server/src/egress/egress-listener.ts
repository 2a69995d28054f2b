import { constants } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { TCP_KEEPALIVE_DELAY_MS } from './dial.js'
import { removeStaleSocket } from './unix-socket.js'

/** Where callers come in: TLS on TCP, or plain HTTP on a Unix socket whose file mode is the authorisation. */
export type EgressEndpoint =
  | { readonly host: string; readonly port: number }
  | { readonly path: string /** @default 0o600 */; readonly mode?: number | undefined }

/** The proxy's own certificate and the authorities that callers' certificates are signed by, all PEM. */
export interface EgressTlsMaterial {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  readonly ca: string | Buffer
  readonly crl?: string | Buffer | undefined
}

export interface ListenerEvents {
  /** A TCP connection that has finished its handshake. Nothing of it was read; `transport` is the socket beneath. */
  readonly onTlsCaller: (socket: TLSSocket, transport: Socket) => void
  readonly onUnixCaller: (socket: Socket, path: string) => void
  readonly onHandshakeFailed: (error: Error, source: string | undefined) => void
  /** A connection was closed at accept because too many are open. */
  readonly onDrop: () => void
  /** Accepting failed (out of descriptors, say); the listener goes on. */
  readonly onError: (error: Error) => void
}

export interface ListenerOptions {
  readonly handshakeTimeoutMs: number
  /** At a time, handshakes included. */
  readonly maxConnections: number
  readonly tls: EgressTlsMaterial
}

/** One endpoint that takes connections. */
export interface EgressListener {
  /** Host and port really bound, or the path of the Unix socket. */
  readonly address: AddressInfo | string
  setTlsMaterial(material: EgressTlsMaterial): void
  /** Takes no more connections and destroys those whose handshake has not ended; others stay. */
  close(): void
}

const BACKLOG = 4096

/** @throws the system's error when the endpoint cannot be bound */
export async function openListener(
  endpoint: EgressEndpoint,
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<EgressListener> {
  return 'path' in endpoint
    ? await openUnixListener(endpoint.path, endpoint.mode ?? 0o600, options, events)
    : await openTlsListener(endpoint, options, events)
}

const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEPALIVE_DELAY_MS,
} as const

async function openUnixListener(
  path: string,
  mode: number,
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<EgressListener> {
  await removeStaleSocket(path)
  const server = createServer(SOCKET_OPTIONS, (socket) => events.onUnixCaller(socket, path))
  const listening = bind(server, { path }, options, events)
  // Bound already, in this very turn of the loop: nobody is let in under another mode.
  if (server.listening) chmodSync(path, mode)
  await listening
  return { address: path, setTlsMaterial: () => {}, close: () => server.close() }
}

async function openTlsListener(
  endpoint: { readonly host: string; readonly port: number },
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<EgressListener> {
  const transports = new TransportTable()
  const server = createTlsServer({
    ...SOCKET_OPTIONS,
    ...contextOptions(options.tls),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: options.handshakeTimeoutMs,
    // The authoriser decides, and tells why; rejected here, the reason would be lost.
    requestCert: true,
    rejectUnauthorized: false,
  })
  server.on('connection', (transport) => transports.add(transport))
  server.on('secureConnection', (socket) => {
    const transport = transports.take(socket)
    if (transport) events.onTlsCaller(socket, transport)
    else socket.destroy()
  })
  server.on('tlsClientError', (error, socket) => {
    events.onHandshakeFailed(error, socket.remoteAddress)
    socket.destroy()
  })
  await bind(server, endpoint, options, events)
  return {
    address: server.address() ?? '',
    setTlsMaterial: (material) => server.setSecureContext(contextOptions(material)),
    close() {
      server.close()
      transports.destroyAll()
    },
  }
}

function contextOptions(material: EgressTlsMaterial) {
  const { cert, key, ca, crl } = material
  // Without tickets nobody resumes: each connection proves anew who it is, and revocation counts at once.
  const secureOptions = constants.SSL_OP_NO_TICKET
  return { cert, key, ca, ...(crl && { crl }), minVersion: 'TLSv1.3' as const, secureOptions }
}

/** The TCP sockets of handshakes that have not ended, found again by the addresses of both ends. */
class TransportTable {
  readonly #sockets = new Map<string, Socket>()

  add(transport: Socket): void {
    const key = keyOf(transport)
    this.#sockets.set(key, transport)
    transport.once('close', () => {
      if (this.#sockets.get(key) === transport) this.#sockets.delete(key)
    })
  }

  take(socket: Socket): Socket | undefined {
    const key = keyOf(socket)
    const transport = this.#sockets.get(key)
    this.#sockets.delete(key)
    return transport
  }

  destroyAll(): void {
    for (const transport of [...this.#sockets.values()]) transport.destroy()
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}

function bind(
  server: Server | TlsServer,
  where: { readonly host: string; readonly port: number } | { readonly path: string },
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<void> {
  server.maxConnections = options.maxConnections
  server.on('drop', events.onDrop)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off('error', reject)
      server.on('error', events.onError)
      resolve()
    })
  })
}
