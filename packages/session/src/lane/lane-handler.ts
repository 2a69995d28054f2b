import type { GoawayReason } from '@reversed-vpn/protocol'

/** What the owner of a lane is told. */
export interface LaneHandler {
  /** The first answer to a PING of ours: the peer is ready for packets. Not called once the lane is closing. */
  onReady(): void
  /** The peer asks for the whole session to be left. That it wants this lane replaced shows in `Lane.leaving`. */
  onGoAway(reason: GoawayReason): void
  /**
   * The lane's key has protected enough, or is old enough: it should be replaced. Called once, unless the peer wanted that
   * before.
   */
  onRotationDue(reason: RotationReason): void
  /** The lane is gone. Called once. */
  onDown(end: LaneEnd): void
}

/** How a lane ended. */
export interface LaneEnd {
  /** Absent when it was closed in order. */
  readonly error: Error | undefined
  /** It was closed since another lane has taken its place: nothing was lost. */
  readonly isReplaced: boolean
}

export type RotationReason = 'rotate-records' | 'rotate-age'
