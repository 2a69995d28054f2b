import type { TunQueue } from '@reversed-vpn/node-tun'
import type { PacketChecker } from '@reversed-vpn/protocol'
import type { LaneLink, StreamLane } from '@reversed-vpn/streams'
import type { FrameStream } from '../frame-stream.js'
import type { FlowTable } from './flow-table.js'
import type { LaneHandler } from './lane-handler.js'

/** How a lane behaves, whichever it is. */
export interface LaneSettings {
  /** The congestion control that its connection is to have. @default the kernel's */
  readonly congestion?: string | undefined
  /** Between two PINGs. */
  readonly keepaliveMs: number
  /** Without a byte from the peer for this long it counts as dead. */
  readonly deadAfterMs: number
  /** @default ROTATE_AFTER_RECORDS */
  readonly rotateAfterRecords?: number
  /** A lane that was not replaced before ends after so many. Lower in tests only. @default MAX_RECORDS_OF_A_KEY */
  readonly maxRecords?: number
  /** @default ROTATE_AFTER_MS */
  readonly rotateAfterMs?: number
}

/** Gives a lane to a multiplexer of streams. */
export type JoinStreams = (lane: StreamLane) => LaneLink

export interface LaneOptions extends LaneSettings {
  /** Which of the session's lanes this is, and with that which queue of the TUN it serves. */
  readonly index: number
  /** A connection whose handshake is done. The lane owns it from here on. */
  readonly frames: FrameStream
  /** The lane reads and writes it and never closes it. */
  readonly queue: TunQueue
  readonly toPeerChecker: PacketChecker
  readonly fromPeerChecker: PacketChecker
  /** Of all lanes of the session. @default its own */
  readonly flows?: FlowTable
  /** Makes it a lane of a multiplexer. @throws TunnelError, with which the lane ends @default it carries no streams */
  readonly joinStreams?: JoinStreams | undefined
  readonly handler: LaneHandler
}
