import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Admission, type AdmissionEntry, type DropReason, remoteAddressOf } from '@reversed-vpn/relay'
import type { AuthenticatedPeer, TlsMaterial } from '@reversed-vpn/secure'
import { HANDSHAKE_TIMEOUT_MS, type RefusalReason, refusalReasonOf, TlsAcceptor } from '@reversed-vpn/secure'
import { FrameStream } from '../frame-stream.js'
import { MAX_UNPROVEN_BYTES, UNFINISHED_LIMITS } from '../limits.js'
import type { SessionPeer } from '../session-options.js'
import { tuneLaneSocket } from '../socket-tuning.js'
import { limitReceived } from './limit-received.js'

interface TunnelListenerOptions {
  readonly tls: TlsMaterial
  /** The DNS name that a peer's certificate must have. */
  readonly peerName: string
  readonly deadAfterMs: number
  /** `TCP_CONGESTION` of accepted connections, the kernel's default when absent. */
  readonly congestion?: string | undefined
  /**
   * Called for every connection to the port: takes the PROXY header off, which names the proxy's client.
   * @returns the client's address, none when the proxy connects for itself; undefined when no proxy connects.
   *   Rejects when the header is missing.
   */
  readonly identify?: (socket: Socket, signal: AbortSignal) => Promise<string | undefined> | undefined
  /** Whether it is a proxy's address, to which no limit for a single source applies. @default never */
  readonly isProxy?: (address: string) => boolean
  /**
   * An authenticated peer. The receiver owns the connection, which counts as unfinished until this settles;
   * if it rejects, the connection has failed.
   */
  readonly onPeer: (frames: FrameStream, peer: Omit<SessionPeer, 'instance'>) => Promise<void>
  readonly onRefused: (refusal: ConnectionRefusal) => void
}

/** A connection that did not become a lane. */
export interface ConnectionRefusal {
  readonly reason: RefusalReason
  readonly remoteAddress: string
  readonly detail: string
  readonly cause?: unknown
}

/**
 * Takes connections of the side that dials, until the peer is authenticated:
 *
 *     TCP ─▶ (PROXY header) ─┐
 *                            ├─▶ TLS 1.3, certificate asked for ─▶ authorizePeer ─▶ onPeer: HELLO and WELCOME
 *     WebSocket, unwrapped ──┘
 */
export class TunnelListener {
  readonly #options: TunnelListenerOptions
  readonly #server: Server
  readonly #acceptor: TlsAcceptor<AdmissionEntry>
  /** Connections that are not lanes yet. */
  readonly #unfinished = new Admission(UNFINISHED_LIMITS, {
    onDropped: ({ remoteAddress }, reason, detail) =>
      this.#refuse(dropRefusal(reason), remoteAddress, detail),
  })

  /** Whom a connection comes from whose `remoteAddress` a PROXY header named. */
  readonly #proxies = new WeakMap<AdmissionEntry, string>()

  /** Lift the limit of what a stream may bring before its peer has proved who it is. */
  readonly #lifts = new WeakMap<AdmissionEntry, () => void>()

  constructor(options: TunnelListenerOptions) {
    this.#options = options
    this.#acceptor = new TlsAcceptor({
      tls: options.tls,
      peerName: options.peerName,
      onPeer: (unfinished, socket, peer, diallerId) =>
        void this.#handOver(unfinished, new FrameStream(socket), peer, diallerId),
      onRefused: (unfinished, socket, reason, detail) => {
        if (unfinished?.dropped !== undefined) return
        this.#refuse(reason, unfinished?.remoteAddress ?? remoteAddressOf(socket), detail)
      },
    })
    this.#server = createServer((socket) => void this.#onConnection(socket))
    // Accepting failed, for example for lack of descriptors: the port stays open. Failing to listen is
    // reported to the caller of listen.
    this.#server.on('error', (error) => {
      if (this.#server.listening) this.#refuse('internal', 'unknown', error.message, error)
    })
  }

  /** To be told where to listen. Ended by {@link close}. */
  get server(): Server {
    return this.#server
  }

  /**
   * Counts for every handshake from now on.
   * @param isTrustNarrower peers that the old material admits may not be trusted: unfinished connections are cut
   */
  setTlsMaterial(material: TlsMaterial, isTrustNarrower: boolean): void {
    this.#acceptor.setTlsMaterial(material)
    if (isTrustNarrower) this.#unfinished.destroyAll()
  }

  /** Takes no more connections and cuts the unfinished; lanes belong to their sessions. Idempotent. */
  close(): void {
    this.#server.close()
    this.#unfinished.destroyAll()
  }

  /**
   * Takes a stream that did not come through the port.
   * @param below the socket it came on, where that is not the stream itself
   */
  accept(stream: Duplex, remoteAddress: string, below: Socket): void {
    const unfinished = this.#unfinished.enter(stream, remoteAddress)
    if (this.#options.isProxy?.(remoteAddress) !== true) this.#unfinished.attribute(unfinished, remoteAddress)
    if (stream.destroyed || !this.#tune(below, unfinished)) return
    const lift = limitReceived(below, MAX_UNPROVEN_BYTES, () => {
      stream.destroy(new Error(`more than ${MAX_UNPROVEN_BYTES} B before the end of the handshake`))
    })
    this.#lifts.set(unfinished, lift)
    this.#acceptor.takeStream(stream, unfinished)
  }

  async #onConnection(socket: Socket): Promise<void> {
    const unfinished = this.#unfinished.enter(socket, remoteAddressOf(socket))
    if (!this.#tune(socket, unfinished)) return
    if (!(await this.#identify(socket, unfinished))) socket.destroy()
    if (socket.destroyed || unfinished.dropped !== undefined) return
    this.#acceptor.take(socket, unfinished)
  }

  /** Finds out for whom the connection is. @returns false when that cannot be told */
  async #identify(socket: Socket, unfinished: AdmissionEntry): Promise<boolean> {
    try {
      const identified = this.#options.identify?.(socket, AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS))
      const source = identified === undefined ? unfinished.remoteAddress : await identified
      if (source === undefined) return true
      if (identified !== undefined) this.#proxies.set(unfinished, unfinished.remoteAddress)
      unfinished.remoteAddress = source
      this.#unfinished.attribute(unfinished, source)
      return true
    } catch (error) {
      if (unfinished.dropped === undefined)
        this.#refuse('proxy-header', unfinished.remoteAddress, (error as Error).message)
      return false
    }
  }

  /** @returns false when the kernel refuses an option: that connection is refused, the port stays open */
  #tune(socket: Socket, unfinished: AdmissionEntry): boolean {
    const { deadAfterMs, congestion } = this.#options
    try {
      tuneLaneSocket(socket, { userTimeoutMs: deadAfterMs, congestion })
      return true
    } catch (error) {
      this.#refuse('internal', unfinished.remoteAddress, (error as Error).message, error)
      unfinished.stream.destroy()
      return false
    }
  }

  async #handOver(
    unfinished: AdmissionEntry,
    frames: FrameStream,
    { name, fingerprint }: AuthenticatedPeer,
    diallerId: string | undefined,
  ): Promise<void> {
    const { remoteAddress } = unfinished
    const proxyAddress = this.#proxies.get(unfinished)
    this.#lifts.get(unfinished)?.()
    try {
      await this.#options.onPeer(frames, { name, fingerprint, remoteAddress, proxyAddress, diallerId })
      this.#unfinished.finish(unfinished)
    } catch (error) {
      if (unfinished.dropped !== undefined) return
      this.#refuse(refusalReasonOf(error, 'internal'), remoteAddress, (error as Error).message, error)
    }
  }

  #refuse(reason: RefusalReason, remoteAddress: string, detail: string, cause?: unknown): void {
    this.#options.onRefused({ reason, remoteAddress, detail, cause })
  }
}

/** The metric label of a connection that was dropped for others. */
export function dropRefusal(reason: DropReason): RefusalReason {
  return reason === 'source-limit' ? 'source-limit' : 'too-many-handshakes'
}
