import { constants } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { TCP_KEEPALIVE_DELAY_MS } from './dial.js'
import { HandshakeLine, roomForWaiting } from './handshake-line.js'
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
  readonly crl?: string | readonly string[] | undefined
}

export interface ListenerEvents {
  /** A TCP connection that has finished its handshake. Nothing of it was read; `transport` is the socket beneath. */
  readonly onTlsCaller: (socket: TLSSocket, transport: Socket) => void
  readonly onUnixCaller: (socket: Socket, path: string) => void
  readonly onHandshakeFailed: (error: Error, source: string | undefined) => void
  /** A connection was closed because too many are open, or too many have not finished their handshake. */
  readonly onDrop: () => void
  /** Accepting failed (out of descriptors, say); the listener goes on. */
  readonly onError: (error: Error) => void
}

export interface ListenerOptions {
  readonly handshakeTimeoutMs: number
  /** At a time. Those whose handshake has not ended have a limit of their own, and are not counted here. */
  readonly maxConnections: number
  /** Needed unless the endpoint is a Unix socket. */
  readonly tls: EgressTlsMaterial | undefined
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

/** Enough to keep a processor busy: a handshake that is not held up is over in one round trip. */
const MAX_HANDSHAKES = 128
const MAX_WAITING = 8192
/** A caller that begins thousands at once needs seconds to get round to each. */
const OVERDUE_MS = 5_000
const WAITING_TIMEOUT_MS = 60_000

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
  const { handshakeTimeoutMs, tls: material } = options
  if (material === undefined) throw new TypeError('an endpoint on TCP needs certificates')
  const transports = new Map<string, Socket>()
  // Never listens: it is given what the port took.
  const tls = createTlsServer({
    ...SOCKET_OPTIONS,
    ...contextOptions(material),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: handshakeTimeoutMs,
    // The authoriser decides, and tells why; rejected here, the reason would be lost.
    requestCert: true,
    rejectUnauthorized: false,
  })
  const line = new HandshakeLine({
    maxRunning: MAX_HANDSHAKES,
    maxWaiting: roomForWaiting(MAX_WAITING),
    overdueMs: OVERDUE_MS,
    timeoutMs: WAITING_TIMEOUT_MS,
    begin: (transport) => {
      const key = keyOf(transport)
      transports.set(key, transport)
      transport.once('close', () => {
        if (transports.get(key) === transport) transports.delete(key)
      })
      tls.emit('connection', transport)
    },
    onDropped: events.onDrop,
  })
  tls.on('secureConnection', (socket) => {
    const transport = takeTransport(socket)
    if (transport === undefined) {
      socket.destroy()
      return
    }
    line.leave(transport)
    transport.allowHalfOpen = true
    socket.allowHalfOpen = true
    events.onTlsCaller(socket, transport)
  })
  tls.on('tlsClientError', (error, socket) => {
    const transport = takeTransport(socket)
    if (transport === undefined || !line.isDropped(transport))
      events.onHandshakeFailed(error, socket.remoteAddress)
    socket.destroy()
  })
  // Half a connection is of use to callers alone: a stranger who has left is gone at once.
  const strangerOptions = { ...SOCKET_OPTIONS, allowHalfOpen: false, pauseOnConnect: true }
  const server = createServer(strangerOptions, (socket) => line.enter(socket))
  await bind(server, endpoint, options, events)

  /** The socket beneath, found by the addresses of both ends: all that Node tells of which one a TLS socket is on. */
  function takeTransport(socket: Socket): Socket | undefined {
    const key = keyOf(socket)
    const transport = transports.get(key)
    transports.delete(key)
    return transport
  }

  return {
    address: server.address() ?? '',
    setTlsMaterial: (fresh) => tls.setSecureContext(contextOptions(fresh)),
    close() {
      server.close()
      line.destroyAll()
    },
  }
}

function contextOptions(material: EgressTlsMaterial) {
  const { cert, key, ca, crl } = material
  // Without tickets nobody resumes: each connection proves anew who it is, and revocation counts at once.
  const secureOptions = constants.SSL_OP_NO_TICKET
  return { cert, key, ca, ...(crl && { crl: [crl].flat() }), minVersion: 'TLSv1.3' as const, secureOptions }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}

function bind(
  server: Server,
  where: { readonly host: string; readonly port: number } | { readonly path: string },
  options: ListenerOptions,
  events: ListenerEvents,
): Promise<void> {
  server.maxConnections = options.maxConnections + MAX_HANDSHAKES + MAX_WAITING
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
