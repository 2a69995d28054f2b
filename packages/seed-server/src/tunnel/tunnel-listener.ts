import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { listenOn, type TcpEndpoint } from '@reversed-vpn/daemon'
import { ALPN_PROTOCOL, type HelloMessage } from '@reversed-vpn/protocol'
import {
  authorizePeer,
  FrameStream,
  HANDSHAKE_TIMEOUT_MS,
  receiveHello,
  rejectPeer,
  rejectUnheard,
  type SessionPeer,
  secureContextOptions,
  type TlsMaterial,
  tuneLaneSocket,
} from '@reversed-vpn/session'
import { type RefusalReason, refusalReasonOf } from './refusal-reason.js'

export interface TunnelListenerOptions {
  readonly tls: TlsMaterial
  /** The name that a shoot-client's certificate has to carry. */
  readonly peerName: string
  readonly deadAfterMs: number
  /** A peer that proved who it is and said HELLO. The connection is the receiver's from here on. */
  readonly onHello: (frames: FrameStream, hello: HelloMessage, peer: Omit<SessionPeer, 'instance'>) => void
  /** A connection that came to nothing. */
  readonly onRefused: (reason: RefusalReason, remoteAddress: string, detail: string) => void
}

/** Connections that have not said HELLO yet. One more drops the oldest, so that whoever is quick gets in. */
const MAX_UNFINISHED_HANDSHAKES = 256

/**
 * Takes TLS connections from shoot-clients up to their HELLO:
 *
 *     TCP ──▶ TLS 1.3, certificate asked for ──▶ authorizePeer ──▶ HELLO ──▶ onHello
 */
export class TunnelListener {
  readonly #options: TunnelListenerOptions
  readonly #server: Server
  /** TCP sockets by remote address and port, the oldest first. */
  readonly #unfinished = new Map<string, Socket>()

  constructor(options: TunnelListenerOptions) {
    this.#options = options
    this.#server = createServer({
      ...secureContextOptions(options.tls),
      ALPNProtocols: [ALPN_PROTOCOL],
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    })
    this.#server.on('connection', (socket) => this.#onConnection(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      this.#refuse(refusalReasonOf(error), socket, error.message)
      // Node leaves one that took too long for its handshake open.
      socket.destroy()
    })
    this.#server.on('secureConnection', (socket) => void this.#onSecure(socket))
  }

  /** @throws EnvironmentError when the address cannot be had */
  async listen(endpoint: TcpEndpoint): Promise<void> {
    await listenOn(this.#server, endpoint)
  }

  /** Takes no more connections and cuts those that have not said HELLO; the others are their sessions'. Idempotent. */
  close(): void {
    this.#server.close()
    for (const socket of this.#unfinished.values()) socket.destroy()
  }

  #onConnection(socket: Socket): void {
    const key = connectionKey(socket)
    this.#unfinished.set(key, socket)
    socket.once('close', () => this.#unfinished.delete(key))
    if (this.#unfinished.size > MAX_UNFINISHED_HANDSHAKES) this.#dropOldest()
    tuneLaneSocket(socket, { userTimeoutMs: this.#options.deadAfterMs })
  }

  #dropOldest(): void {
    for (const [key, socket] of this.#unfinished) {
      this.#unfinished.delete(key)
      this.#refuse(
        'too-many-handshakes',
        socket,
        `more than ${MAX_UNFINISHED_HANDSHAKES} unfinished handshakes`,
      )
      socket.destroy()
      return
    }
  }

  async #onSecure(socket: TLSSocket): Promise<void> {
    const verdict = authorizePeer(socket, { name: this.#options.peerName, usage: 'client' })
    if (!verdict.ok) {
      this.#refuse(verdict.reason, socket, verdict.detail)
      rejectUnheard(socket, verdict.reason, verdict.detail)
      return
    }
    if (socket.alpnProtocol !== ALPN_PROTOCOL) {
      this.#refuse('wrong-alpn', socket, `ALPN ${socket.alpnProtocol || 'absent'}, expected ${ALPN_PROTOCOL}`)
      socket.destroy()
      return
    }
    const frames = new FrameStream(socket)
    try {
      const hello = await receiveHello(frames)
      this.#unfinished.delete(connectionKey(socket))
      const { name, fingerprint } = verdict
      this.#options.onHello(frames, hello, { name, fingerprint, remoteAddress: remoteAddressOf(socket) })
    } catch (error) {
      const reason = refusalReasonOf(error)
      this.#refuse(reason, socket, (error as Error).message)
      rejectPeer(frames, reason === 'version' ? 'version' : 'bad-hello', (error as Error).message)
    }
  }

  #refuse(reason: RefusalReason, socket: Socket, detail: string): void {
    this.#options.onRefused(reason, remoteAddressOf(socket), detail)
  }
}

/** IPv4 as such, though a socket of both families names it IPv4-mapped. */
function remoteAddressOf(socket: Socket): string {
  return socket.remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/, '') ?? 'unknown'
}

function connectionKey(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`
}
