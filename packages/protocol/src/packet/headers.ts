/** Protocol numbers (IANA), as in the IPv4 header and the last IPv6 extension header. */
export const IP_PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

/** Fixed parts of the headers. */
export const IPV4_HEADER_BYTES = 20
export const IPV6_HEADER_BYTES = 40
export const TCP_HEADER_BYTES = 20
export const UDP_HEADER_BYTES = 8
export const ICMP_HEADER_BYTES = 8

/** More fragments, and the fragment offset, in the word at byte 6 of an IPv4 header: not zero in every fragment. */
export const IPV4_FRAGMENT_MASK = 0x3fff

/** Where the parts of a packet are, filled in by `readIpv4` and `readIpv6`. One object serves all packets. */
export class PacketHeaders {
  version = 0
  /** What follows the IP headers. */
  protocol = 0
  /** Where it starts, counted from the start of the packet. */
  l4Offset = 0
  /** Length of the TCP, UDP or ICMP header; 0 for anything else and for later fragments. */
  l4HeaderBytes = 0
  isFragment = false
  /** In units of 8 bytes. */
  fragmentOffset = 0
  /** Where the packet starts that an ICMP error quotes, from the start of the packet; 0 when this is no ICMP error. */
  quoteOffset = 0
}
