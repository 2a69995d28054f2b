/** What a multiplexer of streams has counted since it began, and holds now: see `StreamSnapshot`. */
export interface StreamCounts {
  readonly open: number
  readonly opened: number
  readonly refused: ReadonlyMap<string, number>
  readonly ended: ReadonlyMap<string, number>
  readonly sentBytes: number
  readonly receivedBytes: number
  readonly resentFrames: number
  readonly keptBytes: number
  readonly heldBytes: number
}

interface Counted {
  snapshot(): StreamCounts
}

const NONE: ReadonlyMap<string, number> = new Map()
const NOTHING: StreamCounts = {
  open: 0,
  opened: 0,
  refused: NONE,
  ended: NONE,
  sentBytes: 0,
  receivedBytes: 0,
  resentFrames: 0,
  keptBytes: 0,
  heldBytes: 0,
}

/** What all multiplexers of a process have counted together, those that have ended included. */
export class StreamTotals {
  readonly #running = new Set<Counted>()
  #past = NOTHING

  add(multiplexer: Counted): void {
    this.#running.add(multiplexer)
  }

  /** It has ended: what it has counted stays counted. Idempotent. */
  end(multiplexer: Counted): void {
    if (!this.#running.delete(multiplexer)) return
    const last = multiplexer.snapshot()
    this.#past = sum(this.#past, { ...last, open: 0, keptBytes: 0, heldBytes: 0 })
  }

  read(): StreamCounts {
    return [...this.#running].reduce((all, multiplexer) => sum(all, multiplexer.snapshot()), this.#past)
  }
}

function sum(one: StreamCounts, other: StreamCounts): StreamCounts {
  return {
    open: one.open + other.open,
    opened: one.opened + other.opened,
    refused: sumOfMaps(one.refused, other.refused),
    ended: sumOfMaps(one.ended, other.ended),
    sentBytes: one.sentBytes + other.sentBytes,
    receivedBytes: one.receivedBytes + other.receivedBytes,
    resentFrames: one.resentFrames + other.resentFrames,
    keptBytes: one.keptBytes + other.keptBytes,
    heldBytes: one.heldBytes + other.heldBytes,
  }
}

function sumOfMaps(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const all = new Map(one)
  for (const [key, count] of other) all.set(key, (all.get(key) ?? 0) + count)
  return all
}
