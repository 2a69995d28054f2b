import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Admission, type AdmissionEntry, remoteAddressOf } from '@reversed-vpn/relay'
import { HANDSHAKE_TIMEOUT_MS, type RefusalReason } from '@reversed-vpn/secure'
import { WebSocketServer } from 'ws'
import { UNFINISHED_LIMITS } from '../limits.js'
import { MAX_WEB_SOCKET_MESSAGE_BYTES, WebSocketStream } from '../web-socket-stream.js'
import { dropRefusal } from './tunnel-listener.js'

interface WebSocketListenerOptions {
  /** An open WebSocket: TLS runs in it as on the tunnel port. `below` is the socket it came on. */
  readonly onStream: (stream: Duplex, remoteAddress: string, below: Socket) => void
  /** Whether it is a proxy's address, to which no limit for a single source applies. @default never */
  readonly isProxy?: (address: string) => boolean
  /** An HTTP connection was cut for others before it became a WebSocket. */
  readonly onDropped?: (reason: RefusalReason) => void
}

const PATH = '/'
const MAX_HEADER_BYTES = 8192

/** Unwraps WebSockets (RFC 6455) on path `/`, for ingresses that pass only HTTP. Authenticates nobody. */
export class WebSocketListener {
  readonly #options: WebSocketListenerOptions
  readonly #server: Server
  /** HTTP connections that are no WebSocket yet. */
  readonly #unfinished = new Admission(UNFINISHED_LIMITS, {
    onDropped: (_, reason) => this.#options.onDropped?.(dropRefusal(reason)),
  })
  readonly #bySocket = new WeakMap<Duplex, AdmissionEntry>()
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // What runs inside is encrypted, and would only grow.
    perMessageDeflate: false,
    maxPayload: MAX_WEB_SOCKET_MESSAGE_BYTES,
    skipUTF8Validation: true,
  })

  constructor(options: WebSocketListenerOptions) {
    this.#options = options
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HANDSHAKE_TIMEOUT_MS,
      requestTimeout: HANDSHAKE_TIMEOUT_MS,
      connectionsCheckingInterval: HANDSHAKE_TIMEOUT_MS / 4,
    })
    this.#server.on('connection', (socket) => this.#admit(socket))
    this.#server.on('request', (request, response) => {
      const status = pathOf(request) === PATH ? 426 : 404
      response
        .writeHead(status, { connection: 'close', ...(status === 426 ? { upgrade: 'websocket' } : {}) })
        .end()
    })
    this.#server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {})
      if (pathOf(request) !== PATH) {
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        return
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#finish(socket)
        options.onStream(new WebSocketStream(webSocket), remoteAddressOf(request.socket), request.socket)
      })
    })
  }

  /** To be told where to listen. Ended by {@link close}. */
  get server(): Server {
    return this.#server
  }

  /** Takes no more connections; streams that were handed over are their receiver's. Idempotent. */
  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #admit(socket: Socket): void {
    const address = remoteAddressOf(socket)
    const connection = this.#unfinished.enter(socket, address)
    this.#bySocket.set(socket, connection)
    if (this.#options.isProxy?.(address) !== true) this.#unfinished.attribute(connection, address)
  }

  #finish(socket: Duplex): void {
    const connection = this.#bySocket.get(socket)
    if (connection !== undefined) this.#unfinished.finish(connection)
  }
}

function pathOf(request: IncomingMessage): string | undefined {
  return request.url?.split('?', 1)[0]
}
