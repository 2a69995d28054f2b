import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { ALPN_PROTOCOL } from '@reversed-vpn/protocol'
import { rejectUnheard } from '../handshake.js'
import { HANDSHAKE_TIMEOUT_MS } from '../limits.js'
import { authorizePeer } from '../tls/authorize-peer.js'
import { secureContextOptions, type TlsMaterial } from '../tls/tls-material.js'
import { type RefusalReason, refusalReasonOf } from './refusal-reason.js'

/** What a peer's certificate says. */
export interface ProvenPeer {
  /** The name it was accepted for. */
  readonly name: string
  /** SHA-256 of it. */
  readonly fingerprint: string
}

/** `Guest` is whatever its owner knows a connection by. */
export interface TlsDoorOptions<Guest> {
  readonly tls: TlsMaterial
  /** The name that a peer's certificate has to carry. */
  readonly peerName: string
  /** A peer that proved who it is. Nothing of it was read yet. */
  readonly onPeer: (guest: Guest, socket: TLSSocket, peer: ProvenPeer) => void
  /** The connection came to nothing, and is ended. `guest` is absent when its socket was gone before. */
  readonly onRefused: (
    guest: Guest | undefined,
    socket: Socket,
    reason: RefusalReason,
    detail: string,
  ) => void
}

/** TLS for connections that were accepted elsewhere, up to where it is known who is at the other end. */
export class TlsDoor<Guest> {
  readonly #options: TlsDoorOptions<Guest>
  /** Never listens: it is given what a port took. */
  readonly #tls: TlsServer
  /** Those whose TLS runs on a socket, by address and port of its other end: all that Node tells of which one a TLS socket is on. */
  readonly #bySocket = new Map<string, Guest>()
  #material: TlsMaterial

  constructor(options: TlsDoorOptions<Guest>) {
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
  take(socket: Socket, guest: Guest): void {
    const key = keyOf(socket)
    this.#bySocket.set(key, guest)
    socket.once('close', () => this.#bySocket.delete(key))
    this.#tls.emit('connection', socket)
  }

  /** Takes any other stream. Nothing tells which of them a TLS socket is on, so each has a server of its own. */
  takeStream(stream: Duplex, guest: Guest): void {
    this.#createTls(() => guest).emit('connection', stream)
  }

  #createTls(find: (socket: Socket) => Guest | undefined): TlsServer {
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
      const guest = find(socket)
      if (guest === undefined) socket.destroy()
      else this.#judge(socket, guest)
    })
    return server
  }

  #judge(socket: TLSSocket, guest: Guest): void {
    const { peerName, onPeer, onRefused } = this.#options
    const verdict = authorizePeer(socket, { name: peerName, usage: 'client' })
    if (!verdict.ok) {
      onRefused(guest, socket, verdict.reason, verdict.detail)
      rejectUnheard(socket, verdict.reason, verdict.detail)
      return
    }
    if (socket.alpnProtocol !== ALPN_PROTOCOL) {
      const text = `ALPN ${socket.alpnProtocol || 'absent'}, expected ${ALPN_PROTOCOL}`
      onRefused(guest, socket, 'wrong-alpn', text)
      socket.destroy()
      return
    }
    onPeer(guest, socket, { name: verdict.name, fingerprint: verdict.fingerprint })
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`
}
