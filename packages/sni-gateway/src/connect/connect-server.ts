import type { IncomingMessage } from 'node:http'
import { answerAndClose, type RequestFlaw, RequestReader, requestTarget } from '@reversed-vpn/relay'
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
  readonly #reader: RequestReader

  constructor(options: ConnectServerOptions) {
    this.#options = options
    this.#routingHeaders = new Set(options.routingHeaders.map((name) => name.toLowerCase()))
    this.#reader = new RequestReader(options.maxHeaderBytes)
  }

  serve(connection: Connection): void {
    this.#reader.read(connection.socket, {
      onRequest: (request, rest) => {
        if (connection.hasEnded) return
        if (request.method === 'CONNECT') this.#onConnect(connection, request, rest)
        else this.#redirect(connection, request)
      },
      onFlaw: (flaw, detail) => {
        if (!connection.hasEnded) refuseFlawed(connection, flaw, detail)
      },
    })
  }

  #onConnect(connection: Connection, request: IncomingMessage, head: Buffer): void {
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

  #redirect(connection: Connection, request: IncomingMessage): void {
    const isConnect = request.method === 'CONNECT'
    const { host, path } = requestTarget(request)
    const target = redirectTarget(host ?? (isConnect ? request.url : undefined), isConnect ? '/' : path)
    if (target === undefined) refuse(connection, 'bad-request', closingAnswer(400))
    else {
      const reason = isConnect ? 'no-destination' : 'redirected'
      refuse(connection, reason, closingAnswer(308, undefined, [`Location: ${target}`]))
    }
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
  answerAndClose(connection.socket, answer, { lingerMs: LINGER_MS })
}

function refuseFlawed(connection: Connection, flaw: RequestFlaw, detail: string | undefined): void {
  if (flaw === 'left') connection.drop('client-left')
  else if (flaw === 'header-too-long') refuse(connection, 'header-too-long', closingAnswer(431))
  else refuse(connection, 'bad-request', closingAnswer(400), detail)
}
