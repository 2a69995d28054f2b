import type { TunQueue } from '@reversed-vpn/node-tun'
import { flowHash } from '@reversed-vpn/protocol'
import type { FlowRates } from './flow-rates.js'

/** A lane that carries to the peer, as far as steering is concerned. */
export interface SteeredLane {
  readonly index: number
  readonly queue: TunQueue
}

/**
 * Keeps a lane free for flows that send little, so that they never wait behind bulk: neither in the TUN's queue, nor in the
 * connection, nor for what was lost there.
 *
 * The kernel hands over the packets of a flow on the queue that the last packet of its other direction was written to. So the flow is led by
 * where its packets from the peer are written: those of bulk to the queues of all lanes but the last, all others to the queue of the last.
 *
 *     peer ─▶ any lane ─▶ queueOf ─┬─ the flow is bulk ──▶ queue of a bulk lane ─┐
 *                                  └─ it sends little ───▶ queue of the last ────┤ the kernel notes
 *     peer ◀── that queue's lane ◀── the flow's next packet ◀────────────────────┘
 *
 * What a flow sends either way counts: of the acknowledgements of bulk enough are lost on a bad link to hold up what is behind them.
 * A flow without answers, and the first packet of any, go where the kernel's hash puts them.
 */
export class FlowSteering {
  readonly #rates: FlowRates
  #bulk: readonly TunQueue[] = []
  #sparse: TunQueue | undefined

  /** @param rates of all lanes of the session */
  constructor(rates: FlowRates) {
    this.#rates = rates
  }

  /** @param lanes those that carry now; with fewer than two nothing is steered */
  setLanes(lanes: readonly SteeredLane[]): void {
    const queues = lanes.toSorted((one, other) => one.index - other.index).map(({ queue }) => queue)
    this.#sparse = queues.length < 2 ? undefined : queues.pop()
    this.#bulk = queues
  }

  /** Whether packets have to be looked at. */
  get isNeeded(): boolean {
    return this.#sparse !== undefined
  }

  /** Takes note of a packet to the peer, which has passed the checks. @param payloadOffset where its virtio-net header begins */
  note(bytes: Uint8Array, payloadOffset: number, payloadBytes: number, nowMs: number): void {
    this.#rates.add(flowHash(bytes, payloadOffset), payloadBytes, nowMs)
  }

  /** Where a packet from the peer, which has passed the checks, should be written; `own` where it makes no difference. Takes note of it, too. */
  queueOf(
    bytes: Uint8Array,
    payloadOffset: number,
    payloadBytes: number,
    nowMs: number,
    own: TunQueue,
  ): TunQueue {
    if (this.#sparse === undefined) return own
    const hash = flowHash(bytes, payloadOffset)
    this.#rates.add(hash, payloadBytes, nowMs)
    if (!this.#rates.isBulk(hash, nowMs)) return this.#sparse
    return this.#bulk[(hash >>> 16) % this.#bulk.length] ?? own
  }
}
