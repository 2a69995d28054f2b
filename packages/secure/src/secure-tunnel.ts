import type { Duplex } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { ALPN_PROTOCOL, diallerName } from '@reversed-vpn/protocol'
import { orDestroy, untilConnected } from '@reversed-vpn/relay'
import { type AuthenticatedPeer, authorizePeer } from './authorize-peer.js'
import { DialError, toDialError } from './dial-error.js'
import { rejectBeforeHello } from './reject-before-hello.js'
import { secureContextOptions, type TlsMaterial } from './tls-material.js'

export interface SecureTunnelOptions {
  readonly tls: TlsMaterial
  /** The DNS name that the peer's certificate must have. */
  readonly peerName: string
  /** The TLS server name sent (RFC 6066 §3); never an IP address. */
  readonly sni: string
  /** Which process dials, told to the peer with the first packet: 32 hexadecimal digits. @default nothing is told */
  readonly diallerId?: string | undefined
}

/** A mutual TLS connection to an authenticated peer. Nothing was sent or read on it yet. */
interface SecuredTunnel {
  readonly socket: TLSSocket
  readonly peer: AuthenticatedPeer
}

/**
 * Opens a mutual TLS connection on a stream and authenticates the peer. The stream is the connection's, or
 * destroyed.
 * @throws DialError; the signal's reason when it fires first
 */
export async function secureTunnel(
  below: Duplex,
  options: SecureTunnelOptions,
  signal: AbortSignal,
): Promise<SecuredTunnel> {
  const socket = await orDestroy(below, () => startTls(below, options, signal))
  return judgePeer(socket, options.peerName)
}

/** A peer that is refused is told why, and the connection ends. */
function judgePeer(socket: TLSSocket, peerName: string): SecuredTunnel {
  const verdict = authorizePeer(socket, { name: peerName, usage: 'server' })
  if (!verdict.ok) {
    rejectBeforeHello(socket, verdict.reason, verdict.detail)
    throw new DialError(verdict.reason, `the peer's certificate: ${verdict.detail}`)
  }
  if (socket.alpnProtocol !== ALPN_PROTOCOL) {
    socket.destroy()
    throw new DialError('wrong-alpn', `ALPN ${socket.alpnProtocol || 'absent'}, expected ${ALPN_PROTOCOL}`)
  }
  return { socket, peer: { name: verdict.name, fingerprint: verdict.fingerprint } }
}

async function startTls(
  below: Duplex,
  options: SecureTunnelOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted()
  // TLS on it would wait for ever.
  if (below.destroyed)
    throw toDialError(below.errored ?? new Error('the other end has closed the connection'), 'closed')
  const { diallerId } = options
  const socket = connect({
    ...secureContextOptions(options.tls),
    socket: below,
    servername: options.sni,
    ALPNProtocols: [ALPN_PROTOCOL, ...(diallerId === undefined ? [] : [diallerName(diallerId)])],
    // The certificate is judged by authorizePeer, which can tell why it refuses.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  })
  return untilConnected(socket, {
    signal,
    event: 'secureConnect',
    toError: (error) => toDialError(error, 'tls-failed'),
    destroy: () => socket.destroy(),
  })
}
