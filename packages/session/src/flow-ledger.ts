import { VIRTIO_NET_HEADER_BYTES } from '@reversed-vpn/protocol'

/** Connections remembered for one drain; as many as a transfer address has ports, for two destinations. */
const MAX_FLOWS = 131_072

const PROTOCOL_TCP = 6
const TCP_SYN = 0x02
const TCP_ACK = 0x10
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff

/**
 * Which of several carriers a packet to the peer belongs to while one takes over from another. The NAT state of a connection
 * lives with the carrier that opened it, so its packets have to go on there: a SYN opens a connection with the newest carrier; any other
 * TCP packet goes where its SYN went, and to the oldest if that was before the ledger was kept. Datagrams have no
 * connection and go to the newest at once.
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
    const packet = payloadOffset + VIRTIO_NET_HEADER_BYTES
    const tcp = findTcpHeader(bytes, packet)
    if (tcp < 0) return undefined
    const flow = flowKey(bytes, packet, tcp)
    const flags = bytes[tcp + 13] ?? 0
    if ((flags & (TCP_SYN | TCP_ACK)) === TCP_SYN) {
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

/** Where the TCP header begins, or -1: other protocols, fragments, and extension headers, which nobody sends with TCP. */
function findTcpHeader(bytes: Buffer, packet: number): number {
  const versionAndLength = bytes[packet] ?? 0
  if (versionAndLength >> 4 === 6) return bytes[packet + 6] === PROTOCOL_TCP ? packet + 40 : -1
  if (bytes[packet + 9] !== PROTOCOL_TCP) return -1
  if ((bytes.readUInt16BE(packet + 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0) return -1
  return packet + (versionAndLength & 15) * 4
}

/** Destination address and both ports: the source address is always the seed's. */
function flowKey(bytes: Buffer, packet: number, tcp: number): string {
  const isIpv6 = (bytes[packet] ?? 0) >> 4 === 6
  const [start, end] = isIpv6 ? [packet + 24, packet + 40] : [packet + 16, packet + 20]
  return bytes.toString('latin1', start, end) + bytes.toString('latin1', tcp, tcp + 4)
}
