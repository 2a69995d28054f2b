import { CidrSet } from '@reversed-vpn/ip'
import {
  MAX_DATA_PAYLOAD_BYTES,
  MIN_DATA_PAYLOAD_BYTES,
  type OffloadKind,
  VIRTIO_NET_HEADER_BYTES,
} from '../constants.js'
import { int32, uint8 } from './bytes.js'
import { PacketHeaders } from './headers.js'
import { readIpv4 } from './ipv4.js'
import { readIpv6 } from './ipv6.js'
import { ReceiverLimits, rebuildHeader } from './offload.js'
import { VERDICT } from './verdict.js'

/** How much of a packet is looked at. Headers that do not end within it are refused. */
export const PACKET_PREFIX_BYTES = 256

/** The addresses between which packets may pass in one direction. */
export interface AddressPolicy {
  readonly sources: CidrSet
  readonly destinations: CidrSet
  /** Destinations that are refused even within `destinations` (FORBIDDEN_DESTINATIONS, the transfer network). */
  readonly refused: CidrSet
}

/** What may pass in one direction. */
export interface PacketPolicy extends AddressPolicy {
  /** What the receiving TUN takes. */
  readonly accepts: readonly OffloadKind[]
  /** The longest packet, or segment of a GSO packet, in bytes with its IP header. */
  readonly mtu: number
}

const IPV4_SOURCE = 12
const IPV4_DESTINATION = 16
const IPV6_SOURCE = 8
const IPV6_DESTINATION = 24

/** No router sends from these: unspecified, loopback, link-local, multicast, reserved, IPv4-mapped. */
const NEVER_ROUTERS = CidrSet.of([
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '::ffff:0:0/96',
  'fe80::/10',
  'ff00::/8',
])

/** Judges the packets of one direction, on the sending side and again on the receiving one. */
export class PacketChecker {
  #sources: CidrSet
  #destinations: CidrSet
  #allowed: CidrSet
  readonly #limits: ReceiverLimits
  readonly #headers = new PacketHeaders()

  constructor(policy: PacketPolicy) {
    this.#sources = policy.sources
    this.#destinations = policy.destinations
    this.#allowed = policy.destinations.without(policy.refused)
    this.#limits = new ReceiverLimits(policy.accepts, policy.mtu)
  }

  /** Takes effect with the next packet. */
  setAddresses({ sources, destinations, refused }: AddressPolicy): void {
    this.#sources = sources
    this.#destinations = destinations
    this.#allowed = destinations.without(refused)
  }

  /**
   * Judges a DATA payload: a virtio-net header at `bytes[offset]` and the packet behind it. When it passes, the virtio-net
   * header is made anew in place; else nothing is written. Looks at headers only, keeps no reference, allocates nothing,
   * never throws.
   *
   * @param availableBytes how many bytes of the payload `bytes` has from `offset`, at least as many as the shorter of
   *   `payloadBytes` and VIRTIO_NET_HEADER_BYTES + PACKET_PREFIX_BYTES
   * @param payloadBytes length of the payload
   * @returns 0 when it passes, else the index of the reason in DROP_REASONS
   */
  check(bytes: Uint8Array, offset: number, availableBytes: number, payloadBytes: number): number {
    if (
      payloadBytes < MIN_DATA_PAYLOAD_BYTES ||
      payloadBytes > MAX_DATA_PAYLOAD_BYTES ||
      availableBytes < MIN_DATA_PAYLOAD_BYTES
    ) {
      return VERDICT.length
    }
    const start = offset + VIRTIO_NET_HEADER_BYTES
    const packetBytes = payloadBytes - VIRTIO_NET_HEADER_BYTES
    // Never more than the prefix, even if more is there: a verdict must not depend on where the stream was cut.
    const readableBytes = Math.min(packetBytes, availableBytes - VIRTIO_NET_HEADER_BYTES, PACKET_PREFIX_BYTES)
    const verdict = this.#judgePacket(bytes, start, packetBytes, readableBytes)
    if (verdict !== VERDICT.passed) return verdict
    return rebuildHeader(bytes, offset, packetBytes, this.#headers, this.#limits)
  }

  // Headers before addresses, so that neighbour discovery has its own reason whatever its destination.
  #judgePacket(bytes: Uint8Array, start: number, packetBytes: number, readableBytes: number): number {
    const headers = this.#headers
    const version = uint8(bytes, start) >> 4
    if (version === 4) {
      const verdict = readIpv4(bytes, start, packetBytes, readableBytes, headers)
      return verdict === VERDICT.passed ? this.#judgeAddresses4(bytes, start, headers.quoteOffset) : verdict
    }
    if (version === 6) {
      const verdict = readIpv6(bytes, start, packetBytes, readableBytes, headers)
      return verdict === VERDICT.passed ? this.#judgeAddresses6(bytes, start, headers.quoteOffset) : verdict
    }
    return VERDICT['ip-version']
  }

  #judgeAddresses4(bytes: Uint8Array, start: number, quoteOffset: number): number {
    const source = int32(bytes, start + IPV4_SOURCE)
    if (quoteOffset === 0) {
      if (!this.#sources.contains4(source)) return VERDICT.source
    } else {
      // The quoted packet went the other way: from one of our destinations to one of our sources.
      const quote = start + quoteOffset
      if (!this.#allowed.contains4(int32(bytes, quote + IPV4_SOURCE))) return VERDICT['icmp-quote']
      if (!this.#sources.contains4(int32(bytes, quote + IPV4_DESTINATION))) return VERDICT['icmp-quote']
      if (NEVER_ROUTERS.contains4(source)) return VERDICT['icmp-source']
    }
    const destination = int32(bytes, start + IPV4_DESTINATION)
    if (this.#allowed.contains4(destination)) return VERDICT.passed
    return this.#destinations.contains4(destination) ? VERDICT['refused-destination'] : VERDICT.destination
  }

  #judgeAddresses6(bytes: Uint8Array, start: number, quoteOffset: number): number {
    if (quoteOffset === 0) {
      if (!this.#sources.contains6(bytes, start + IPV6_SOURCE)) return VERDICT.source
    } else {
      const quote = start + quoteOffset
      if (!this.#allowed.contains6(bytes, quote + IPV6_SOURCE)) return VERDICT['icmp-quote']
      if (!this.#sources.contains6(bytes, quote + IPV6_DESTINATION)) return VERDICT['icmp-quote']
      if (NEVER_ROUTERS.contains6(bytes, start + IPV6_SOURCE)) return VERDICT['icmp-source']
    }
    if (this.#allowed.contains6(bytes, start + IPV6_DESTINATION)) return VERDICT.passed
    return this.#destinations.contains6(bytes, start + IPV6_DESTINATION)
      ? VERDICT['refused-destination']
      : VERDICT.destination
  }
}
