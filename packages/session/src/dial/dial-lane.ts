import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type AuthenticatedPeer,
  type SecureTunnelOptions,
  secureTunnel,
  toDialError,
} from '@reversed-vpn/secure'
import { FrameStream } from '../frame-stream.js'
import { tuneLaneSocket } from '../socket-tuning.js'
import type { Transport } from './transport.js'

interface DialLaneOptions extends SecureTunnelOptions {
  readonly transport: Transport
  readonly congestion?: string | undefined
  readonly deadAfterMs: number
}

/** A connection to an authenticated peer. No frame was sent or read yet. */
export interface DialledLane {
  readonly frames: FrameStream
  readonly peer: AuthenticatedPeer
  readonly remoteAddress: string
}

/**
 * Opens a stream to the peer's tunnel port and a mutual TLS connection on it, and authenticates the peer.
 * @throws DialError; the signal's reason when it fires first
 */
export async function dialLane(options: DialLaneOptions, signal: AbortSignal): Promise<DialledLane> {
  const { socket, peer } = await secureTunnel(await openTransport(options, signal), options, signal)
  return { frames: new FrameStream(socket), peer, remoteAddress: socket.remoteAddress ?? 'unknown' }
}

async function openTransport(options: DialLaneOptions, signal: AbortSignal): Promise<Duplex> {
  const { transport, deadAfterMs, congestion } = options
  const stream = await transport.open(signal)
  try {
    // A stream that is no socket has one below it, which its transport has tuned.
    if (stream instanceof Socket) tuneLaneSocket(stream, { userTimeoutMs: deadAfterMs, congestion })
    return stream
  } catch (error) {
    stream.destroy()
    throw toDialError(error, 'handshake')
  }
}
