import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { ALPN_PROTOCOL } from '@reversed-vpn/protocol'
import { type AuthenticatedPeer, authorizePeer } from './authorize-peer.js'
import { HANDSHAKE_TIMEOUT_MS } from './limits.js'
import { type RefusalReason, refusalReasonOf } from './refusal-reason.js'
import { rejectBeforeHello } from './reject-before-hello.js'
import { secureContextOptions, type TlsMaterial } from './tls-material.js'

/** `Context` is whatever its owner knows a connection by. */
export interface TlsAcceptorOptions<Context> {
  readonly tls: TlsMaterial
  /** The name that a peer's certificate has to carry. */
  readonly peerName: string
  /** A peer that proved who it is. Nothing of it was read yet. */
  readonly onPeer: (context: Context, socket: TLSSocket, peer: AuthenticatedPeer) => void
  /** The connection came to nothing, and is ended. `context` is absent when its socket was gone before. */
  readonly onRefused: (
    context: Context | undefined,
    socket: Socket,
    reason: RefusalReason,
    detail: string,
  ) => void
}

/** TLS for connections that were accepted elsewhere, up to where it is known who is at the other end. */
export class TlsAcceptor<Context> {
  readonly #options: TlsAcceptorOptions<Context>
  /** Never listens: it is given what a port took. */
  readonly #tls: TlsServer
  /** Those whose TLS runs on a socket, by address and port of its other end: all that Node tells of which one a TLS socket is on. */
  readonly #bySocket = new Map<string, Context>()
  #material: TlsMaterial

  constructor(options: TlsAcceptorOptions<Context>) {
    this.#options = options
    this.#material = options.tls
    this.#tls = this.#createTls((socket) => this.#bySocket.get(keyOf(socket)))
  }

  /** Counts for every handshake from now on. */
  setTlsMaterial(material: TlsMaterial): void {
    this.#tls.setSecureContext(secureContextOptions(material))
    this.#material = material
  }

  /** Takes a TCP connection. */
  take(socket: Socket, context: Context): void {
    const key = keyOf(socket)
    this.#bySocket.set(key, context)
    socket.once('close', () => this.#bySocket.delete(key))
    this.#tls.emit('connection', socket)
  }

  /** Takes any other stream. Nothing tells which of them a TLS socket is on, so each has a server of its own. */
  takeStream(stream: Duplex, context: Context): void {
    this.#createTls(() => context).emit('connection', stream)
  }

  #createTls(find: (socket: Socket) => Context | undefined): TlsServer {
    const server = createServer({
      ...secureContextOptions(this.#material),
      ALPNProtocols: [ALPN_PROTOCOL],
      requestCert: true,
      // The certificate is judged by authorizePeer, which can tell why it refuses.
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    })
    server.on('tlsClientError', (error, socket) => {
      this.#options.onRefused(find(socket), socket, refusalReasonOf(error, 'tls-failed'), error.message)
      // Node leaves one that took too long for its handshake open.
      socket.destroy()
    })
    server.on('secureConnection', (socket) => {
      const context = find(socket)
      if (context === undefined) socket.destroy()
      else this.#judge(socket, context)
    })
    return server
  }

  #judge(socket: TLSSocket, context: Context): void {
    const { peerName, onPeer, onRefused } = this.#options
    const verdict = authorizePeer(socket, { name: peerName, usage: 'client' })
    if (!verdict.ok) {
      onRefused(context, socket, verdict.reason, verdict.detail)
      rejectBeforeHello(socket, verdict.reason, verdict.detail)
      return
    }
    if (socket.alpnProtocol !== ALPN_PROTOCOL) {
      const text = `ALPN ${socket.alpnProtocol || 'absent'}, expected ${ALPN_PROTOCOL}`
      onRefused(context, socket, 'wrong-alpn', text)
      socket.destroy()
      return
    }
    onPeer(context, socket, { name: verdict.name, fingerprint: verdict.fingerprint })
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`
}
