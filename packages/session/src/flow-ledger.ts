import { opensTcpFlow, tcpFlowOf } from '@reversed-vpn/protocol'

/** Connections remembered for one drain; as many as a transfer address has ports, for two destinations. */
const MAX_FLOWS = 131_072

/**
 * Which of several carriers a packet to the peer belongs to while one takes over from another. The NAT state of a connection
 * lives with the carrier that opened it, so its packets have to go on there: a SYN opens a connection with the newest
 * carrier; any other TCP packet goes where its SYN went, and to the oldest if that was before the ledger was kept. Datagrams
 * have no connection and go to the newest at once.
 */
export class FlowLedger<Carrier extends object> {
  /** The oldest first. Empty sets until there are two. */
  readonly #carriers: { readonly carrier: Carrier; readonly flows: Set<string> }[] = []

  /** Whether packets have to be looked at: there is more than one carrier. */
  get isKept(): boolean {
    return this.#carriers.length > 1
  }

  /** A carrier takes over. */
  add(carrier: Carrier): void {
    this.#carriers.push({ carrier, flows: new Set() })
  }

  /** A carrier is gone: what it carried goes to those that are left. */
  delete(carrier: Carrier): void {
    const index = this.#carriers.findIndex((entry) => entry.carrier === carrier)
    if (index >= 0) this.#carriers.splice(index, 1)
    if (this.#carriers.length === 1) this.#carriers[0]?.flows.clear()
  }

  /**
   * The carrier of a packet that has passed the checks, or undefined for the newest.
   * @param payloadOffset where the virtio-net header of the packet begins
   */
  olderCarrierOf(bytes: Buffer, payloadOffset: number): Carrier | undefined {
    const newest = this.#carriers.at(-1)
    if (newest === undefined || this.#carriers.length < 2) return undefined
    const flow = tcpFlowOf(bytes, payloadOffset)
    if (flow === undefined) return undefined
    if (opensTcpFlow(bytes, payloadOffset)) {
      if (newest.flows.size < MAX_FLOWS) newest.flows.add(flow)
      return undefined
    }
    for (let i = this.#carriers.length - 1; i >= 0; i--) {
      const entry = this.#carriers[i]
      if (entry?.flows.has(flow)) return entry === newest ? undefined : entry.carrier
    }
    return this.#carriers[0]?.carrier
  }
}
