import type { Socket } from 'node:net'
import type { SocketEnd, TcpEndpoint } from '@reversed-vpn/daemon'
import { plainAddress } from '@reversed-vpn/relay'
import type { EndReason } from '../end-reason.js'
import type { Route } from '../routes/route-table.js'

/** Dead ends are found before a load balancer forgets them: the shortest idle time of a big cloud is 350 s. */
export const TCP_KEEPALIVE_DELAY_MS = 60_000

/** How long a client may take to read a last answer. */
export const LINGER_MS = 1000

export type ListenerName = 'tls' | 'connect'

/** A connection of a client, from its acceptance to its end. */
export class Connection {
  readonly listener: ListenerName
  readonly socket: Socket
  readonly startedAtMs = performance.now()
  /** Aborts when it ends: what waits on its behalf stops. */
  readonly signal: AbortSignal
  /** Who the client is: the other end of the socket, or what a trusted proxy says. */
  source: SocketEnd
  /** What it came to. */
  destination: SocketEnd
  /** What it asked for, once that is known and well formed. */
  serverName: string | undefined
  routingHeader: string | undefined
  route: Route | undefined
  bytesToBackend = 0
  bytesToClient = 0
  lastByteAtMs = this.startedAtMs
  /** When it was passed on. */
  relayedAtMs: number | undefined
  #endReason: EndReason | undefined
  readonly #abort = new AbortController()
  readonly #onEnd: (connection: Connection, reason: EndReason, detail: string | undefined) => void

  constructor(
    listener: ListenerName,
    socket: Socket,
    onEnd: (connection: Connection, reason: EndReason, detail: string | undefined) => void,
  ) {
    this.listener = listener
    this.socket = socket
    this.source = { address: plainAddress(socket.remoteAddress ?? '::'), port: socket.remotePort ?? 0 }
    this.destination = { address: plainAddress(socket.localAddress ?? '::'), port: socket.localPort ?? 0 }
    this.signal = this.#abort.signal
    this.#onEnd = onEnd
  }

  get hasEnded(): boolean {
    return this.#endReason !== undefined
  }

  get backend(): TcpEndpoint | undefined {
    return this.route?.backend
  }

  /** Records why it ends; the first reason counts. The caller closes the socket. */
  end(reason: EndReason, detail?: string): void {
    if (this.#endReason !== undefined) return
    this.#endReason = reason
    this.#abort.abort()
    this.#onEnd(this, reason, detail)
  }

  /** Ends it and closes the socket at once. */
  drop(reason: EndReason, detail?: string): void {
    this.end(reason, detail)
    this.socket.destroy()
  }
}
