import { isIP } from 'node:net'
import type { CertificateStore } from '@reversed-vpn/secure'
import { type DialledLane, dialLane, type Transport } from '@reversed-vpn/session'

interface PeerDiallerOptions {
  readonly transport: Transport
  readonly tls: Pick<CertificateStore, 'material'>
  /** The name that the peer's certificate must carry. */
  readonly peerName: string
  /** The TLS server name sent, for gateways that route by it; an IP address is not sent. @default peerName */
  readonly sni?: string | undefined
  /** Which process dials: see `secureTunnel`. */
  readonly diallerId?: string
  readonly congestion: string | undefined
  readonly deadAfterMs: number
}

/** Dials the other end of the tunnel: opens the transport, then TLS on it, and checks the peer's certificate. */
export class PeerDialler {
  readonly #options: PeerDiallerOptions

  constructor(options: PeerDiallerOptions) {
    this.#options = options
  }

  /**
   * A connection on which no message was sent yet. Uses the certificates that are in force now.
   * @throws DialError; the signal's reason when it fires first
   */
  dial(signal: AbortSignal): Promise<DialledLane> {
    const { tls, peerName, sni = peerName, ...others } = this.#options
    return dialLane({ ...others, tls: tls.material, peerName, sni: isIP(sni) === 0 ? sni : '' }, signal)
  }
}
