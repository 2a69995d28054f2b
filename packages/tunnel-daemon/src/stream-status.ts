/** What is shown of a multiplexer of streams. */
interface ShownMultiplexer {
  readonly lanes: number
  readonly goneLanes: number
  readonly waitingBytes: number
  readonly largestWindowBytes: number
  snapshot(): {
    readonly open: number
    readonly opening: number
    readonly keptBytes: number
    readonly heldBytes: number
  }
}

/** The streams with one process of the other side, as `/status` shows them. Holds no secret, and no target. */
export function describeStreams(multiplexer: ShownMultiplexer): object {
  const { lanes, goneLanes, waitingBytes, largestWindowBytes } = multiplexer
  const { open, opening, keptBytes, heldBytes } = multiplexer.snapshot()
  return {
    lanes,
    goneLanes,
    open,
    opening,
    waitingBytes,
    unacknowledgedBytes: keptBytes,
    unreadBytes: heldBytes,
    largestWindowBytes,
  }
}
