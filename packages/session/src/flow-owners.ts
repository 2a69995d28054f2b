import { endsTcpFlow, flowKeyOf, isTcp, laterFragmentsOf, opensTcpFlow } from '@reversed-vpn/protocol'

/** Flows remembered, and first fragments; the oldest are forgotten. */
const MAX_FLOWS = 131_072
const MAX_FRAGMENTED = 256

/** After so long without a packet another session may use the ports of a TCP connection. */
const TCP_IDLE_MS = 120_000

interface Flow<Owner> {
  owner: Owner
  /** When a packet of it came last, in milliseconds of `Date.now()`. */
  atMs: number
  /** A TCP connection of which one end has said that it ends. */
  isEnding: boolean
}

/**
 * Which of several seed-servers a packet from the shoot is for, where all of them use one address: the one that sent the last
 * packet of the flow in the other direction. Of a TCP connection only one may send: a packet of another would end it, as neither
 * kernel knows the connection of the other.
 */
export class FlowOwners<Owner extends object> {
  /** The oldest first. */
  readonly #flows = new Map<string, Flow<Owner>>()
  readonly #fragmented = new Map<string, Owner>()

  /**
   * Records a packet to the shoot that has passed the checks.
   * @param payloadOffset where its virtio-net header begins
   * @returns false for one of a TCP connection that another has: it must be dropped
   */
  claim(owner: Owner, bytes: Uint8Array, payloadOffset: number, nowMs: number): boolean {
    const key = flowKeyOf(bytes, payloadOffset, false)
    const flow = this.#flows.get(key)
    const isOfTcp = isTcp(bytes, payloadOffset)
    const isEnding = isOfTcp && endsTcpFlow(bytes, payloadOffset)
    if (flow === undefined) {
      putWithin(this.#flows, MAX_FLOWS, key, { owner, atMs: nowMs, isEnding })
      return true
    }
    if (flow.owner === owner)
      flow.isEnding = isEnding || (flow.isEnding && !opensTcpFlow(bytes, payloadOffset))
    else {
      if (isOfTcp && !flow.isEnding && nowMs - flow.atMs < TCP_IDLE_MS) return false
      flow.owner = owner
      flow.isEnding = isEnding
    }
    flow.atMs = nowMs
    return true
  }

  /**
   * Whose a packet to the seed is that has passed the checks; undefined when its flow is not known.
   * @param payloadOffset where its virtio-net header begins
   */
  ownerOf(bytes: Uint8Array, payloadOffset: number, nowMs: number): Owner | undefined {
    const key = flowKeyOf(bytes, payloadOffset, true)
    const flow = this.#flows.get(key)
    if (flow === undefined) return this.#fragmented.get(key)
    flow.atMs = nowMs
    flow.isEnding ||= endsTcpFlow(bytes, payloadOffset)
    const fragments = laterFragmentsOf(bytes, payloadOffset, true)
    if (fragments !== undefined) putWithin(this.#fragmented, MAX_FRAGMENTED, fragments, flow.owner)
    return flow.owner
  }

  /** That one is gone: its flows are not known any more. */
  forget(owner: Owner): void {
    for (const [key, flow] of this.#flows) if (flow.owner === owner) this.#flows.delete(key)
    for (const [key, held] of this.#fragmented) if (held === owner) this.#fragmented.delete(key)
  }

  clear(): void {
    this.#flows.clear()
    this.#fragmented.clear()
  }
}

function putWithin<Value>(map: Map<string, Value>, limit: number, key: string, value: Value): void {
  if (map.size >= limit && !map.has(key)) {
    for (const oldest of map.keys()) {
      map.delete(oldest)
      break
    }
  }
  map.set(key, value)
}
