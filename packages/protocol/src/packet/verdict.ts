/**
 * Every verdict on a packet, by the number that `PacketChecker.check` returns. From FIRST_OFFLOAD_VERDICT on, the packet itself
 * passes and only its virtio-net header does not.
 */
export const VERDICT = {
  passed: 0,
  /** The payload is shorter than a virtio-net header and an IP header, or longer than a frame may be. */
  length: 1,
  /** Neither IPv4 nor IPv6. */
  'ip-version': 2,
  /** The IPv4 header is shorter than 20 bytes, longer than the packet, or has an option that ends behind it. */
  'ipv4-header': 3,
  /** The IP header gives another length than the frame. */
  'ip-length': 4,
  /** IPv4 with loose or strict source route (RFC 791 §3.1). */
  'source-route': 5,
  /** IPv6 with a routing header of any type. */
  'routing-header': 6,
  /** More than 8 IPv6 extension headers, a second fragment header, or hop-by-hop options that are not first. */
  'extension-headers': 7,
  /** The headers are longer than PACKET_PREFIX_BYTES. */
  'headers-too-long': 8,
  /** The packet ends within its headers, or a TCP header gives a length below 20. */
  truncated: 9,
  /** A first fragment that ends within the headers (RFC 1858, RFC 7112). */
  'fragment-tiny': 10,
  /** A later fragment that writes over the fixed part of a TCP header (RFC 1858 §3). */
  'fragment-overlap': 11,
  /** ICMP of another type than echo, destination unreachable, time exceeded, parameter problem. */
  'icmp-type': 12,
  /** ICMPv6 that is neither echo nor error: neighbour and multicast listener discovery and the like. */
  'icmpv6-type': 13,
  /** An ICMP error that quotes no packet, or none that may have gone the other way. */
  'icmp-quote': 14,
  /** An ICMP error from an address that no router has. */
  'icmp-source': 15,
  source: 16,
  destination: 17,
  /** A destination that is refused inside an allowed network too. */
  'refused-destination': 18,
  /** The packet, or each segment of it, is longer than the MTU. */
  'exceeds-mtu': 19,
  /** A packet of a TCP connection whose address and ports are in use by another seed-server (`FlowOwners`). */
  'flow-taken': 20,
  /** `flags` has a bit that is neither NEEDS_CSUM nor DATA_VALID. */
  'offload-flags': 21,
  /** A fragment with an offload. */
  'offload-fragment': 22,
  /** The receiver takes no such offload. */
  'offload-not-accepted': 23,
  /** `csum_start` and `csum_offset` are not the packet's own TCP or UDP checksum: that of a tunnelled packet, for example. */
  'checksum-fields': 24,
  /** Unknown `gso_type`, or one that does not fit the packet. */
  'gso-type': 25,
  /** `gso_type` without NEEDS_CSUM. */
  'gso-without-checksum': 26,
  /** `gso_size` is below MIN_GSO_SIZE_BYTES. */
  'gso-size': 27,
} as const

const FIRST_OFFLOAD_VERDICT = VERDICT['offload-flags']

/** Why a packet is dropped: the closed set of values of the label `reason`. */
export type DropReason = Exclude<keyof typeof VERDICT, 'passed'>

/** The names of the verdicts, each at its number; `passed` is 0. */
export const DROP_REASONS: readonly (DropReason | 'passed')[] = Object.freeze(
  Object.keys(VERDICT) as (keyof typeof VERDICT)[],
)

/**
 * Whether only the virtio-net header was refused. The packet has passed all other checks, so a sender repairs it with
 * `finishInSoftware` and loses nothing.
 */
export function isOffloadReason(verdict: number): boolean {
  return verdict >= FIRST_OFFLOAD_VERDICT
}
