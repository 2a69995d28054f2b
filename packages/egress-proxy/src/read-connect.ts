import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestReader } from '@reversed-vpn/relay'
import { EgressRefusal } from './egress-refusal.js'

interface ConnectEvents {
  /** A CONNECT. The socket is paused; `head` is what came behind the request. */
  readonly onConnect: (request: IncomingMessage, head: Buffer) => void
  /** Something else than a CONNECT came. */
  readonly onRefused: (refusal: EgressRefusal, request?: IncomingMessage) => void
}

/** Reads the one request of a connection. A client that leaves before it is complete is not heard of: its socket is destroyed. */
export function readConnect(reader: RequestReader, socket: Socket, events: ConnectEvents): void {
  const { onConnect, onRefused } = events
  reader.read(socket, {
    onRequest: (request, rest) => {
      const { method } = request
      if (method === 'CONNECT') onConnect(request, rest)
      else onRefused(new EgressRefusal('method-not-allowed', `not ${method}`), request)
    },
    onFlaw: (flaw, detail = flaw) => {
      if (flaw === 'left') socket.destroy()
      else onRefused(new EgressRefusal(flaw === 'malformed' ? 'bad-request' : 'header-too-large', detail))
    },
  })
}
