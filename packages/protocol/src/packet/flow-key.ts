import { VIRTIO_NET_HEADER_BYTES } from '../constants.js'
import { uint8, uint16 } from './bytes.js'
import { ICMP_HEADER_BYTES, IP_PROTOCOL, IPV4_FRAGMENT_MASK, IPV6_HEADER_BYTES } from './headers.js'

const IPV6_FRAGMENT = 44
const IPV6_FRAGMENT_BYTES = 8
const FRAGMENT_OFFSET_MASK = { ipv4: 0x1fff, ipv6: 0xfff8 } as const
/** In the place of a protocol, for fragments that have no ports. No protocol has that number. */
const FRAGMENT = 0x100

const { tcp, udp, icmp, icmpv6 } = IP_PROTOCOL

/**
 * A text for the flow of a packet, the same in both directions: of the address in the shoot, the protocol and both ports, or the
 * identifier of an echo. The address in the seed is not part of it. An ICMP error belongs to the flow that it quotes; a later
 * fragment has a flow of its own, see {@link laterFragmentsOf}.
 *
 * @param payloadOffset where the virtio-net header begins; the packet behind it has passed a `PacketChecker`
 */
export function flowKeyOf(bytes: Uint8Array, payloadOffset: number, isToSeed: boolean): string {
  return keyAt(bytes, payloadOffset + VIRTIO_NET_HEADER_BYTES, isToSeed, false)
}

/** The flow of the fragments that follow a first fragment. Undefined for any other packet. @param payloadOffset as above */
export function laterFragmentsOf(
  bytes: Uint8Array,
  payloadOffset: number,
  isToSeed: boolean,
): string | undefined {
  const start = payloadOffset + VIRTIO_NET_HEADER_BYTES
  if (uint8(bytes, start) >> 4 === 4) {
    if ((uint16(bytes, start + 6) & IPV4_FRAGMENT_MASK) === 0) return undefined
    return addressIn(bytes, start, isToSeed) + String.fromCharCode(FRAGMENT, uint16(bytes, start + 4))
  }
  if (uint8(bytes, start + 6) !== IPV6_FRAGMENT) return undefined
  const id = uint16(bytes, start + IPV6_HEADER_BYTES + 6)
  return addressIn(bytes, start, isToSeed) + String.fromCharCode(FRAGMENT, id)
}

/** @param isQuote the packet is what an ICMP error quotes */
function keyAt(bytes: Uint8Array, start: number, isToSeed: boolean, isQuote: boolean): string {
  const address = addressIn(bytes, start, isToSeed)
  let protocol: number
  let at: number
  if (uint8(bytes, start) >> 4 === 4) {
    const isLater = (uint16(bytes, start + 6) & FRAGMENT_OFFSET_MASK.ipv4) !== 0
    if (isLater) return address + String.fromCharCode(FRAGMENT, uint16(bytes, start + 4))
    protocol = uint8(bytes, start + 9)
    at = start + (uint8(bytes, start) & 15) * 4
  } else {
    protocol = uint8(bytes, start + 6)
    at = start + IPV6_HEADER_BYTES
    if (protocol === IPV6_FRAGMENT) {
      const isLater = (uint16(bytes, at + 2) & FRAGMENT_OFFSET_MASK.ipv6) !== 0
      if (isLater) return address + String.fromCharCode(FRAGMENT, uint16(bytes, at + 6))
      protocol = uint8(bytes, at)
      at += IPV6_FRAGMENT_BYTES
    }
  }
  if (protocol === tcp || protocol === udp) {
    const [source, destination] = [uint16(bytes, at), uint16(bytes, at + 2)]
    return (
      address + String.fromCharCode(protocol, ...(isToSeed ? [source, destination] : [destination, source]))
    )
  }
  if (isEcho(protocol, uint8(bytes, at)))
    return address + String.fromCharCode(protocol, uint16(bytes, at + 4))
  const isError = (protocol === icmp || protocol === icmpv6) && !isQuote
  // What it quotes went the other way.
  return isError
    ? keyAt(bytes, at + ICMP_HEADER_BYTES, !isToSeed, true)
    : address + String.fromCharCode(protocol)
}

/** The one in the shoot. */
function addressIn(bytes: Uint8Array, start: number, isToSeed: boolean): string {
  const [first, length] = uint8(bytes, start) >> 4 === 4 ? [start + 12, 4] : [start + 8, 16]
  const from = isToSeed ? first : first + length
  let text = ''
  for (let at = from; at < from + length; at += 2) text += String.fromCharCode(uint16(bytes, at))
  return text
}

function isEcho(protocol: number, type: number): boolean {
  if (protocol === icmp) return type === 0 || type === 8
  return protocol === icmpv6 && (type === 128 || type === 129)
}
