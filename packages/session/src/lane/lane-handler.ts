import type { GoawayReason } from '@reversed-vpn/protocol'
import type { Lane } from './lane.js'

/** What the owner of a lane is told. */
export interface LaneHandler {
  /** The first answer to a PING of ours: the peer is ready to carry packets. */
  onReady(lane: Lane): void
  /** The peer asks for this lane to be replaced (`laneOnly`), or for the whole session to be left. */
  onGoAway(lane: Lane, reason: GoawayReason, laneOnly: boolean): void
  /** The lane's key has protected enough, or is old enough: it should be replaced. Called once. */
  onRotationDue(lane: Lane, reason: RotationReason): void
  /** The lane is gone. Called once. `error` tells why; absent when it was closed in order. */
  onDown(lane: Lane, error?: Error): void
}

export type RotationReason = 'rotate-records' | 'rotate-age'
