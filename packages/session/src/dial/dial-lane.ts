import { Socket } from 'node:net'
import { FrameStream } from '../frame-stream.js'
import type { ProvenPeer } from '../listen/tls-door.js'
import type { LaneConnection } from '../session.js'
import { canMove } from '../threads/can-move.js'
import type { LaneThread } from '../threads/lane-thread.js'
import { type DialTunnelOptions, openTunnel, secureTunnel } from './dial-tunnel.js'

/** A connection whose other end has shown who it is. Nothing was said on it yet. */
export interface DialledConnection extends ProvenPeer {
  readonly connection: LaneConnection
  readonly remoteAddress: string
}

/**
 * Dials as `dialTunnel` does, and has TLS and all that follows run on `thread`, where that is one and the way is plain TCP.
 * @throws DialError; the signal's reason when it fires first
 */
export async function dialLane(
  options: DialTunnelOptions,
  thread: LaneThread | undefined,
  signal: AbortSignal,
): Promise<DialledConnection> {
  const below = await openTunnel(options, signal)
  const { remoteAddress = 'unknown' } = below instanceof Socket ? below : {}
  const connection =
    below instanceof Socket && canMove(below) ? thread?.dial(below, options, signal) : undefined
  if (connection !== undefined) return { connection, remoteAddress, ...(await connection.proven) }
  const { socket, name, fingerprint } = await secureTunnel(below, options, signal)
  return {
    connection: new FrameStream(socket),
    remoteAddress: socket.remoteAddress ?? 'unknown',
    name,
    fingerprint,
  }
}
