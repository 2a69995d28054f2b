import type { IncomingMessage } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  Admission,
  type AdmissionEntry,
  answerAndClose,
  RequestReader,
  remoteAddressOf,
  requestTarget,
} from '@reversed-vpn/relay'
import { HANDSHAKE_TIMEOUT_MS, type RefusalReason } from '@reversed-vpn/secure'
import { type WebSocket, WebSocketServer } from 'ws'
import { MAX_WEB_SOCKET_FRAGMENTS, MAX_WEB_SOCKET_READS, UNFINISHED_LIMITS } from '../limits.js'
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
/** How long a client may take to read a refusal. */
const LINGER_MS = 1000

const NOT_FOUND = refusal('404 Not Found')
const UPGRADE_REQUIRED = refusal('426 Upgrade Required', ['Upgrade: websocket'])
const HEADER_TOO_LONG = refusal('431 Request Header Fields Too Large')
const BAD_REQUEST = refusal('400 Bad Request')

/** Unwraps WebSockets (RFC 6455) on path `/`, for ingresses that pass only HTTP. Authenticates nobody. */
export class WebSocketListener {
  readonly #options: WebSocketListenerOptions
  readonly #server: Server
  readonly #reader = new RequestReader(MAX_HEADER_BYTES)
  /** Connections that are no WebSocket yet. */
  readonly #unfinished = new Admission<Socket>(UNFINISHED_LIMITS, {
    onDropped: (_, reason) => this.#options.onDropped?.(dropRefusal(reason)),
  })
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // What runs inside is encrypted, and would only grow.
    perMessageDeflate: false,
    maxPayload: MAX_WEB_SOCKET_MESSAGE_BYTES,
    maxFragments: MAX_WEB_SOCKET_FRAGMENTS,
    maxBufferedChunks: MAX_WEB_SOCKET_READS,
    // Below: without a bound, as many answers as there are pings would wait for a client that reads nothing.
    autoPong: false,
    skipUTF8Validation: true,
  })

  readonly #upgrades: (() => void)[] = []

  constructor(options: WebSocketListenerOptions) {
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onConnection(socket),
    )
  }

  /** To be told where to listen. Ended by {@link close}. */
  get server(): Server {
    return this.#server
  }

  /** Takes no more connections; streams that were handed over are their receiver's. Idempotent. */
  close(): void {
    this.#server.close()
    this.#unfinished.destroyAll()
  }

  #onConnection(socket: Socket): void {
    const address = remoteAddressOf(socket)
    const entry = this.#unfinished.enter(socket, address)
    if (this.#options.isProxy?.(address) !== true) this.#unfinished.attribute(entry, address)
    const timer = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS)
    socket.once('close', () => clearTimeout(timer))
    this.#reader.read(socket, {
      onRequest: (request, rest) => {
        clearTimeout(timer)
        if (requestTarget(request).path.split('?', 1)[0] !== PATH)
          answerAndClose(socket, NOT_FOUND, { lingerMs: LINGER_MS })
        else if (!isUpgrade(request)) answerAndClose(socket, UPGRADE_REQUIRED, { lingerMs: LINGER_MS })
        // A client waits for the answer before it says more (RFC 6455 §4.1).
        else if (rest.length > 0) answerAndClose(socket, BAD_REQUEST, { lingerMs: LINGER_MS })
        else this.#inTurn(() => this.#upgrade(request, entry))
      },
      onFlaw: (flaw) => {
        clearTimeout(timer)
        if (flaw === 'left') socket.destroy()
        else
          answerAndClose(socket, flaw === 'malformed' ? BAD_REQUEST : HEADER_TOO_LONG, {
            lingerMs: LINGER_MS,
          })
      },
    })
  }

  /** One for each turn of the event loop: it makes a TLS context, and parses what a stranger has sent already. */
  #inTurn(upgrade: () => void): void {
    this.#upgrades.push(upgrade)
    if (this.#upgrades.length === 1) setImmediate(() => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#upgrades[0]?.()
    this.#upgrades.shift()
    if (this.#upgrades.length > 0) setImmediate(() => this.#nextTurn())
  }

  #upgrade(request: IncomingMessage, entry: AdmissionEntry<Socket>): void {
    const { stream: socket, remoteAddress } = entry
    if (socket.destroyed) return
    this.#webSockets.handleUpgrade(request, socket, Buffer.alloc(0), (webSocket) => {
      this.#unfinished.finish(entry)
      webSocket.on('ping', (data) => pongOnceRead(webSocket, data))
      this.#options.onStream(new WebSocketStream(webSocket), remoteAddress, socket)
      // Paused since its request was read.
      socket.resume()
    })
  }
}

function isUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined && /(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection ?? '')
}

/** A client that has not read what it was sent is owed no further answer. */
function pongOnceRead(webSocket: WebSocket, data: Buffer): void {
  if (webSocket.bufferedAmount === 0 && webSocket.readyState === webSocket.OPEN) webSocket.pong(data)
}

function refusal(status: string, fields: readonly string[] = []): string {
  return [`HTTP/1.1 ${status}`, ...fields, 'Connection: close', 'Content-Length: 0', '', ''].join('\r\n')
}
