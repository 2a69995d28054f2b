import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { answerAndClose } from '@reversed-vpn/relay'
import { type Connection, LINGER_MS } from '../accept/connection.js'
import type { EndReason } from '../end-reason.js'
import { isDestination, type Route, type RouteTable } from '../routes/route-table.js'
import { closingAnswer, redirectTarget } from './http-answers.js'

interface ConnectServerOptions {
  /** Names of the header fields that say where to. A request may have only one of them. */
  readonly routingHeaders: readonly string[]
  readonly maxHeaderBytes: number
  readonly routes: { readonly table: RouteTable }
  /** Takes over a connection whose route is found. `head` is what came behind the request. */
  readonly passOn: (connection: Connection, route: Route, head: Buffer) => void
}

/**
 * Reads one HTTP request of each connection. A CONNECT with a routing header is passed on, whatever its target; anything else is
 * redirected to the TLS port. Never listens itself.
 */
export class ConnectServer {
  readonly #options: ConnectServerOptions
  readonly #routingHeaders: ReadonlySet<string>
  readonly #server: Server
  readonly #connections = new WeakMap<Duplex, Connection>()

  constructor(options: ConnectServerOptions) {
    this.#options = options
    this.#routingHeaders = new Set(options.routingHeaders.map((name) => name.toLowerCase()))
    this.#server = createServer({
      maxHeaderSize: options.maxHeaderBytes,
      insecureHTTPParser: false,
      // What matters is the routing header; HTTP/1.1 clients that leave out Host exist.
      requireHostHeader: false,
      // The listener has one deadline for all that comes before the route.
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
    })
    this.#server.on('connect', (request, socket, head) => this.#onConnect(request, socket, head))
    this.#server.on('request', (request, response) => this.#onRequest(request, response))
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      this.#onBadRequest(error, socket),
    )
  }

  serve(connection: Connection): void {
    const { socket } = connection
    this.#connections.set(socket, connection)
    this.#server.emit('connection', socket)
    socket.resume()
  }

  #onConnect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#connections.get(socket)
    // Behind another request, which has been answered: its client would get two answers.
    if (connection === undefined || connection.hasEnded) return
    socket.pause()
    const flaw = flawOf(request)
    if (flaw !== undefined) {
      refuse(connection, 'bad-request', closingAnswer(400, flaw), flaw)
      return
    }
    const values = request.rawHeaders.filter(
      (_, index) =>
        index % 2 === 1 && this.#routingHeaders.has(request.rawHeaders[index - 1]?.toLowerCase() ?? ''),
    )
    const [destination] = values
    if (destination === undefined) {
      this.#redirect(connection, request)
    } else if (values.length > 1) {
      refuse(connection, 'several-destinations', closingAnswer(400, 'Several routing headers'))
    } else if (!isDestination(destination)) {
      refuse(connection, 'malformed-destination', closingAnswer(400, 'Malformed destination'))
    } else {
      connection.routingHeader = destination
      const route = this.#options.routes.table.findByDestination(destination)
      if (route === undefined)
        refuse(connection, 'unknown-destination', closingAnswer(404, 'Unknown destination'))
      else this.#options.passOn(connection, route, head)
    }
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket)
    // A second request on the connection: the answer to the first closes it.
    if (connection === undefined || connection.hasEnded) return
    // The answer is written as a whole, without Node's help.
    response.detachSocket(request.socket)
    this.#redirect(connection, request)
  }

  #redirect(connection: Connection, request: IncomingMessage): void {
    const isConnect = request.method === 'CONNECT'
    const target = redirectTarget(
      request.headers.host ?? (isConnect ? request.url : undefined),
      isConnect ? '/' : request.url,
    )
    if (target === undefined) refuse(connection, 'bad-request', closingAnswer(400))
    else {
      const reason = isConnect ? 'no-destination' : 'redirected'
      refuse(connection, reason, closingAnswer(308, undefined, [`Location: ${target}`]))
    }
  }

  #onBadRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined || connection.hasEnded) return
    if (
      error.code === 'ECONNRESET' ||
      (error as { readonly bytesParsed?: number }).bytesParsed === undefined
    ) {
      connection.drop('client-left')
    } else if (error.code === 'HPE_HEADER_OVERFLOW') refuse(connection, 'header-too-long', closingAnswer(431))
    else refuse(connection, 'bad-request', closingAnswer(400), error.code)
  }
}

/**
 * What a CONNECT must not have although the parser accepts it. With content (RFC 9110 §9.3.6) a proxy in front could see another
 * request where the tunnel begins here. Some clients always send `Content-Length: 0`, which is harmless.
 */
function flawOf({ httpVersionMajor, headers }: IncomingMessage): string | undefined {
  if (httpVersionMajor !== 1) return 'Unknown HTTP version'
  const hasContent =
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
  return hasContent ? 'CONNECT with content' : undefined
}

function refuse(connection: Connection, reason: EndReason, answer: string, detail?: string): void {
  connection.end(reason, detail)
  answerAndClose(connection.socket, answer, LINGER_MS)
}
