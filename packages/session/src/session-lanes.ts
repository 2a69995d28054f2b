import type { Lane } from './lane/lane.js'
import { checkLegal, type Legal } from './state.js'

/**
 * What a lane is to its session.
 *
 *     opening ──the peer answers──▶ ready ──replaced, or ended──▶ leaving ──▶ closed
 *        └──────────replaced, or ended─────────────────────────────▲           ▲
 *        └───────────────┴────────────────lost─────────────────────────────────┘
 *
 * Packets to the peer may take a lane that is `ready`. One that is leaving still brings packets, until its
 * last bytes are through.
 */
type LanePhase = 'opening' | 'ready' | 'leaving' | 'closed'

const LEGAL: Legal<LanePhase> = {
  opening: ['ready', 'leaving', 'closed'],
  ready: ['leaving', 'closed'],
  leaving: ['closed'],
  closed: [],
}

interface LaneRecord {
  readonly lane: Lane
  phase: LanePhase
  /** Those that leave when this one is ready. If it fails before, they stay. */
  replaces: readonly LaneRecord[]
}

/** The lanes of a session, those that are leaving included, each with its phase. */
export class SessionLanes {
  /** In the order in which they came. */
  readonly #records = new Map<Lane, LaneRecord>()

  get size(): number {
    return this.#records.size
  }

  /** Every lane that is not gone. A copy. */
  all(): Lane[] {
    return [...this.#records.keys()]
  }

  /** Those that packets to the peer may take. */
  ready(): Lane[] {
    return [...this.#records.values()].filter(({ phase }) => phase === 'ready').map(({ lane }) => lane)
  }

  /** By index those that are not leaving: of two with one index the newer. A copy. */
  byIndex(): Map<number, Lane> {
    const lanes = new Map<number, Lane>()
    for (const { lane, phase } of this.#records.values()) if (phase !== 'leaving') lanes.set(lane.index, lane)
    return lanes
  }

  get hasReady(): boolean {
    return this.ready().length > 0
  }

  /** One for a packet to the peer: if none is ready, any that is not leaving. */
  first(): Lane | undefined {
    let opening: Lane | undefined
    for (const { lane, phase } of this.#records.values()) {
      if (phase === 'ready') return lane
      if (phase === 'opening') opening ??= lane
    }
    return opening
  }

  /**
   * Adds a lane, which replaces those of its index, and `predecessor`, as soon as it is ready.
   * @returns lanes of its index that never were ready: they must leave now, or a peer that never answers
   *   could accumulate them
   */
  add(lane: Lane, predecessor: Lane | undefined): Lane[] {
    const held = [...this.#records.values()].filter(
      (record) =>
        record.phase !== 'leaving' && (record.lane.index === lane.index || record.lane === predecessor),
    )
    const unanswered = held.filter(({ lane: old, phase }) => phase === 'opening' && old.index === lane.index)
    const replaces = held.flatMap((record) => (unanswered.includes(record) ? record.replaces : [record]))
    this.#records.set(lane, { lane, phase: 'opening', replaces: [...new Set(replaces)] })
    return unanswered.map((record) => record.lane)
  }

  /**
   * The peer has answered on it.
   * @returns the lanes that leave now; undefined if it was ready before, or is leaving
   */
  setReady(lane: Lane): Lane[] | undefined {
    const record = this.#records.get(lane)
    if (record?.phase !== 'opening') return undefined
    this.#enter(record, 'ready')
    const { replaces } = record
    // Or each lane would hold the one before for ever.
    record.replaces = []
    return replaces.map((old) => old.lane)
  }

  /** It is about to end. Idempotent. */
  setLeaving(lane: Lane): void {
    const record = this.#records.get(lane)
    if (record !== undefined && record.phase !== 'leaving') this.#enter(record, 'leaving')
  }

  /** It is gone. */
  delete(lane: Lane): void {
    const record = this.#records.get(lane)
    if (record === undefined) return
    this.#enter(record, 'closed')
    this.#records.delete(lane)
  }

  #enter(record: LaneRecord, next: LanePhase): void {
    checkLegal(`lane ${record.lane.index}`, LEGAL, record.phase, next)
    record.phase = next
  }
}
