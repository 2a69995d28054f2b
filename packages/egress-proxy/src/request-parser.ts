import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { EgressRefusal, type RefusalReason } from './egress-refusal.js'

interface RequestEvents {
  /** A CONNECT. The socket is the receiver's, paused; `head` is what came behind the request's head. */
  readonly onConnect: (socket: Socket, request: IncomingMessage, head: Buffer) => void
  /** Something else than a CONNECT came. May be called more than once for a connection. */
  readonly onRefused: (socket: Socket, refusal: EgressRefusal, request?: IncomingMessage) => void
}

/**
 * Node's HTTP server as a parser of what comes on sockets that others accepted: emit `connection` with each. It never listens,
 * so it has no timers of its own either: the time for a header is the caller's to bound.
 */
export function createRequestParser(maxHeaderBytes: number, events: RequestEvents): Server {
  // A missing host field is answered as what else is amiss is, not by Node itself.
  const options = { maxHeaderSize: maxHeaderBytes, requireHostHeader: false }
  const server = createServer(options)
  server.on('connect', (request, socket, head) => events.onConnect(asSocket(socket), request, head))
  const onOther = (request: IncomingMessage) => {
    request.resume()
    const refusal = new EgressRefusal('method-not-allowed', `not ${request.method ?? 'this'}`)
    events.onRefused(request.socket, refusal, request)
  }
  server.on('request', onOther)
  // Without these Node would answer by itself.
  server.on('checkContinue', onOther)
  server.on('checkExpectation', onOther)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const reason: RefusalReason = error.code === 'HPE_HEADER_OVERFLOW' ? 'header-too-large' : 'bad-request'
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else events.onRefused(asSocket(socket), new EgressRefusal(reason, error.code ?? 'unparsable'))
  })
  return server
}

/** Node declares a Duplex, for whatever was emitted as `connection`: here, sockets. */
function asSocket(socket: Duplex): Socket {
  return socket as Socket
}
