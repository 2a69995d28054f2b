import { opensTcpFlow, tcpFlowOf } from '@reversed-vpn/protocol'

/** Connections remembered for one drain; as many as a transfer address has ports, for two destinations. */
const MAX_FLOWS = 131_072

/**
 * Which of several sessions a packet to the peer belongs to while one takes over from another. The NAT state
 * of a connection lives with the session that opened it, so its packets must stay there: a SYN opens a
 * connection on the newest session; any other TCP packet goes where its SYN went, and to the oldest session
 * if its SYN came before there were two. Datagrams go to the newest at once.
 */
export class FlowLedger<Owner extends object> {
  /** The oldest first. Empty sets until there are two. */
  readonly #owners: { readonly owner: Owner; readonly flows: Set<string> }[] = []

  /** Whether packets must be looked at: there is more than one session. */
  get isKept(): boolean {
    return this.#owners.length > 1
  }

  /** A session takes over. */
  add(owner: Owner): void {
    this.#owners.push({ owner, flows: new Set() })
  }

  /** A session is gone: its flows go to those that are left. */
  delete(owner: Owner): void {
    const index = this.#owners.findIndex((entry) => entry.owner === owner)
    if (index >= 0) this.#owners.splice(index, 1)
    if (this.#owners.length === 1) this.#owners[0]?.flows.clear()
  }

  /**
   * The session of a packet that has passed the checks, or undefined for the newest.
   * @param payloadOffset where the virtio-net header of the packet begins
   */
  olderOwnerOf(bytes: Buffer, payloadOffset: number): Owner | undefined {
    const newest = this.#owners.at(-1)
    if (newest === undefined || this.#owners.length < 2) return undefined
    const flow = tcpFlowOf(bytes, payloadOffset)
    if (flow === undefined) return undefined
    if (opensTcpFlow(bytes, payloadOffset)) {
      if (newest.flows.size < MAX_FLOWS) newest.flows.add(flow)
      return undefined
    }
    for (let i = this.#owners.length - 1; i >= 0; i--) {
      const entry = this.#owners[i]
      if (entry?.flows.has(flow)) return entry === newest ? undefined : entry.owner
    }
    return this.#owners[0]?.owner
  }
}
