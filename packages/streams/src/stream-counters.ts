import type { RefusedReason, ResetReason } from '@reversed-vpn/protocol'

/** How an opened stream ended: FIN both ways, or a RESET of either side. */
export type StreamEnd = 'finished' | ResetReason

/** What a multiplexer has done since it began, and what it holds now. */
export interface StreamSnapshot {
  /** Opened and not ended on the wire. */
  readonly open: number
  /** Asked for, and neither answered nor given up. */
  readonly opening: number
  readonly opened: number
  /** Not opened, by the reason of whoever refused. */
  readonly refused: ReadonlyMap<RefusedReason, number>
  /** Given up by either side before they were answered. */
  readonly abandoned: number
  /** Of those that were opened. */
  readonly ended: ReadonlyMap<StreamEnd, number>
  /** Data of streams, each byte once. */
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Frames that a lost lane took with it. */
  readonly resentFrames: number
  /** Sent and not acknowledged, headers included. */
  readonly keptBytes: number
  /** Received, and not yet handed to a reader. */
  readonly heldBytes: number
}

/** Counts what happens to the streams of a multiplexer. */
export class StreamCounters {
  opening = 0
  opened = 0
  abandoned = 0
  endedAll = 0
  sentBytes = 0
  receivedBytes = 0
  heldBytes = 0
  readonly refused = new Map<RefusedReason, number>()
  readonly ended = new Map<StreamEnd, number>()

  refuse(reason: RefusedReason): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1)
  }

  end(how: StreamEnd): void {
    this.endedAll++
    this.ended.set(how, (this.ended.get(how) ?? 0) + 1)
  }

  snapshot(resentFrames: number, keptBytes: number): StreamSnapshot {
    const { opening, opened, abandoned, endedAll, sentBytes, receivedBytes, heldBytes } = this
    return {
      open: opened - endedAll,
      opening,
      opened,
      refused: new Map(this.refused),
      abandoned,
      ended: new Map(this.ended),
      sentBytes,
      receivedBytes,
      resentFrames,
      keptBytes,
      heldBytes,
    }
  }
}
