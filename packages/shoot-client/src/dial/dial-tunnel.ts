import type { Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { ALPN_PROTOCOL } from '@reversed-vpn/protocol'
import {
  authorizePeer,
  rejectUnheard,
  secureContextOptions,
  type TlsMaterial,
  tuneLaneSocket,
} from '@reversed-vpn/session'
import { DialError, type Transport, toDialError } from './transport.js'

export interface DialTunnelOptions {
  readonly transport: Transport
  readonly tls: TlsMaterial
  /** The name that the seed-server's certificate has to carry. */
  readonly serverName: string
  /** The TLS server name sent (RFC 6066 §3); never an IP address. */
  readonly sni: string
  readonly congestion?: string | undefined
  readonly deadAfterMs: number
}

/**
 * Opens the way to the seed-server and a mutual TLS connection on it, and makes sure who is at the other end.
 * @returns a socket on which nothing was said yet
 * @throws DialError; the signal's reason when it fires first
 */
export async function dialTunnel(options: DialTunnelOptions, signal: AbortSignal): Promise<TLSSocket> {
  const below = await options.transport.open(signal)
  let socket: TLSSocket
  try {
    tuneLaneSocket(below, { userTimeoutMs: options.deadAfterMs, congestion: options.congestion })
    socket = await startTls(below, options, signal)
  } catch (error) {
    below.destroy()
    throw error
  }
  const refusal = findRefusal(socket, options.serverName)
  if (refusal !== undefined) throw refusal
  return socket
}

/** Judges the other end; one that is refused is told why, and left. */
function findRefusal(socket: TLSSocket, serverName: string): DialError | undefined {
  const verdict = authorizePeer(socket, { name: serverName, usage: 'server' })
  if (!verdict.ok) {
    rejectUnheard(socket, verdict.reason, verdict.detail)
    return new DialError(verdict.reason, `seed-server's certificate: ${verdict.detail}`)
  }
  if (socket.alpnProtocol === ALPN_PROTOCOL) return undefined
  socket.destroy()
  return new DialError('wrong-alpn', `ALPN ${socket.alpnProtocol || 'absent'}, expected ${ALPN_PROTOCOL}`)
}

function startTls(below: Socket, options: DialTunnelOptions, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = connect({
      ...secureContextOptions(options.tls),
      socket: below,
      servername: options.sni,
      ALPNProtocols: [ALPN_PROTOCOL],
      // The certificate is judged by authorizePeer, which can tell why it refuses.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    })
    const onAbort = () => socket.destroy(signal.reason as Error)
    const settle = () => {
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError).off('close', onClose)
    }
    const onError = (error: Error) => {
      settle()
      socket.on('error', () => {})
      reject(signal.aborted ? (signal.reason as Error) : toDialError(error, 'tls-failed'))
    }
    const onClose = () =>
      onError(new DialError('closed', 'the other end closed the connection during the TLS handshake'))
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('error', onError).once('close', onClose)
    socket.once('secureConnect', () => {
      settle()
      resolve(socket)
    })
  })
}
