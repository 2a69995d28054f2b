import { DROP_REASONS } from '@reversed-vpn/protocol'

/** Traffic of one direction of a lane. Plain numbers: counted per packet, read on request. */
interface DirectionCounters {
  packets: number
  /** IP bytes, without headers of ours. */
  bytes: number
  /** Writes to the stream, or to the TUN. */
  batches: number
  /** TLS records, estimated by {@link recordsOf}: what the key of this direction has protected. */
  records: number
  /** Refused by the packet checks, by index into `DROP_REASONS`. */
  readonly drops: Uint32Array
}

export interface LaneCounters {
  /** From our TUN to the peer. */
  readonly toPeer: DirectionCounters & {
    /** Packets finished in software, since the peer would have refused them as the kernel gave them. */
    repaired: number
    /** How often the stream was full and the kernel had to keep its packets. */
    stalls: number
  }
  /** From the peer to our TUN. */
  readonly fromPeer: DirectionCounters & {
    /** Refused by the kernel when written to the TUN. */
    refusedByDevice: number
  }
}

const TLS_RECORD_BYTES = 16_384

/** TLS records of one write, or of one chunk that came: TLS delivers each record as a chunk of its own. */
export function recordsOf(bytes: number): number {
  return Math.ceil(bytes / TLS_RECORD_BYTES)
}

export function createLaneCounters(): LaneCounters {
  const direction = () => ({
    packets: 0,
    bytes: 0,
    batches: 0,
    records: 0,
    drops: new Uint32Array(DROP_REASONS.length),
  })
  return {
    toPeer: { ...direction(), repaired: 0, stalls: 0 },
    fromPeer: { ...direction(), refusedByDevice: 0 },
  }
}

/** Adds `from` to `into`: how the totals of closed lanes are kept. */
export function addLaneCounters(into: LaneCounters, from: LaneCounters): void {
  addDirection(into.toPeer, from.toPeer)
  addDirection(into.fromPeer, from.fromPeer)
}

function addDirection<D extends DirectionCounters>(into: D, from: D): void {
  for (const key of Object.keys(from) as (keyof D)[]) {
    const value = from[key]
    if (typeof value === 'number') (into[key] as number) += value
  }
  for (let i = 0; i < from.drops.length; i++) into.drops[i] = (into.drops[i] ?? 0) + (from.drops[i] ?? 0)
}
