import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { socketKey } from '@reversed-vpn/relay'
import { secureContextOptions, type TlsMaterial } from './tls-material.js'

/** `Context` is whatever the owner knows a connection by. */
interface TlsHandshakesOptions<Context> {
  readonly tls: TlsMaterial
  /** The one protocol (ALPN, RFC 7301) that is selected. */
  readonly alpn: string
  readonly timeoutMs: number
  /**
   * A finished handshake. The certificate has not been judged, and nothing has been read. `offered` are the protocols that the
   * client has offered.
   */
  readonly onSecure: (context: Context, socket: TLSSocket, offered: readonly string[]) => void
  /**
   * A handshake that failed; `socket` is destroyed next. `context` is absent when its socket was gone before.
   */
  readonly onFailed: (context: Context | undefined, socket: TLSSocket, error: Error) => void
}

/**
 * TLS servers for connections that were accepted elsewhere. A client certificate is asked for, and not
 * judged.
 */
export class TlsHandshakes<Context> {
  readonly #options: TlsHandshakesOptions<Context>
  /** Never listens: it is given what a port accepted. */
  readonly #server: TlsServer
  /** What runs on a socket now, by {@link socketKey}. */
  readonly #running = new Map<string, { readonly socket: Socket; readonly context: Context }>()
  /** What the client of a handshake has offered. */
  readonly #offered = new WeakMap<object, readonly string[]>()
  #material: TlsMaterial

  constructor(options: TlsHandshakesOptions<Context>) {
    this.#options = options
    this.#material = options.tls
    this.#server = this.#createServer((socket) => {
      const key = socketKey(socket)
      const found = this.#running.get(key)
      this.#running.delete(key)
      return found?.context
    })
  }

  /**
   * Counts for every handshake from now on.
   * @throws Error of OpenSSL when the material cannot be used: the old one stays
   */
  setTlsMaterial(material: TlsMaterial): void {
    this.#server.setSecureContext(secureContextOptions(material))
    this.#material = material
  }

  /** Begins a handshake on a TCP connection. */
  take(socket: Socket, context: Context): void {
    const key = socketKey(socket)
    this.#running.set(key, { socket, context })
    socket.once('close', () => {
      if (this.#running.get(key)?.socket === socket) this.#running.delete(key)
    })
    this.#server.emit('connection', socket)
  }

  /**
   * Begins a handshake on any other stream. It has no addresses to be found by, so each gets a server of its
   * own.
   */
  takeStream(stream: Duplex, context: Context): void {
    this.#createServer(() => context).emit('connection', stream)
  }

  #createServer(find: (socket: Socket) => Context | undefined): TlsServer {
    const { alpn, timeoutMs, onSecure, onFailed } = this.#options
    const offered = this.#offered
    const server = createServer({
      ...secureContextOptions(this.#material),
      // The socket is `this`, which is the only way to know whose names they are.
      ALPNCallback(this: unknown, { protocols }) {
        offered.set(this as TLSSocket, protocols)
        return protocols.includes(alpn) ? alpn : undefined
      },
      requestCert: true,
      // The owner judges the certificate and says why it refuses one. Refused here, the reason would be lost.
      rejectUnauthorized: false,
      handshakeTimeout: timeoutMs,
    })
    server.on('tlsClientError', (error, socket) => {
      onFailed(find(socket), socket, error)
      // Node leaves one that took too long for its handshake open.
      socket.destroy()
    })
    server.on('secureConnection', (socket) => {
      const context = find(socket)
      if (context === undefined) socket.destroy()
      else onSecure(context, socket, offered.get(socket) ?? [])
    })
    return server
  }
}
