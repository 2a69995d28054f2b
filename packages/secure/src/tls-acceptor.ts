import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { ALPN_PROTOCOL, diallerIdIn } from '@reversed-vpn/protocol'
import { type AuthenticatedPeer, authorizePeer } from './authorize-peer.js'
import { HANDSHAKE_TIMEOUT_MS } from './limits.js'
import { type RefusalReason, refusalReasonOf } from './refusal-reason.js'
import { rejectBeforeHello } from './reject-before-hello.js'
import { TlsHandshakes } from './tls-handshakes.js'
import type { TlsMaterial } from './tls-material.js'

/** `Context` is what the owner identifies a connection by. */
interface TlsAcceptorOptions<Context> {
  readonly tls: TlsMaterial
  /** The DNS name that a peer's certificate must have. */
  readonly peerName: string
  /** An authenticated peer. Nothing of it was read yet. `diallerId`: which process it is, where it has said so. */
  readonly onPeer: (
    context: Context,
    socket: TLSSocket,
    peer: AuthenticatedPeer,
    diallerId: string | undefined,
  ) => void
  /** The connection is refused, and ends. `context` is absent when its socket was gone before. */
  readonly onRefused: (
    context: Context | undefined,
    socket: Socket,
    reason: RefusalReason,
    detail: string,
  ) => void
}

/** TLS for connections that were accepted elsewhere, until the peer is authenticated. */
export class TlsAcceptor<Context> {
  readonly #options: TlsAcceptorOptions<Context>
  readonly #handshakes: TlsHandshakes<Context>

  constructor(options: TlsAcceptorOptions<Context>) {
    this.#options = options
    this.#handshakes = new TlsHandshakes({
      tls: options.tls,
      alpn: ALPN_PROTOCOL,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      onSecure: (context, socket, offered) => this.#judge(socket, context, offered),
      onFailed: (context, socket, error) =>
        options.onRefused(context, socket, refusalReasonOf(error, 'tls-failed'), error.message),
    })
  }

  /** Applies to every handshake from now on. */
  setTlsMaterial(material: TlsMaterial): void {
    this.#handshakes.setTlsMaterial(material)
  }

  /** Takes a TCP connection. */
  take(socket: Socket, context: Context): void {
    this.#handshakes.take(socket, context)
  }

  /** Takes any other stream. */
  takeStream(stream: Duplex, context: Context): void {
    this.#handshakes.takeStream(stream, context)
  }

  #judge(socket: TLSSocket, context: Context, offered: readonly string[]): void {
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
    onPeer(context, socket, { name: verdict.name, fingerprint: verdict.fingerprint }, diallerIdIn(offered))
  }
}
