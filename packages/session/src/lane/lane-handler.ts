import type { GoawayReason } from '@reversed-vpn/protocol'

/** What the owner of a lane is told. */
export interface LaneHandler {
  /** The first answer to our PING: the peer takes packets. Not called once the lane is closing. */
  onReady(): void
  /** The peer has fallen silent on this lane, or has answered again. */
  onSilenceChange(): void
  /** The peer asks us to leave the session. (`Lane.leaving` says that it wants this lane replaced.) */
  onGoAway(reason: GoawayReason): void
  /** The lane should be replaced. Called once; not if the peer has asked for that before. */
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
