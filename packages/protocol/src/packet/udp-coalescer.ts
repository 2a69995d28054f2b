import { VIRTIO_NET_HEADER_BYTES } from '../constants.js'
import { int32, uint8, uint16, writeUint16 } from './bytes.js'
import { addToChecksum, finishChecksum } from './checksum.js'
import { IP_PROTOCOL, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, UDP_HEADER_BYTES } from './headers.js'
import {
  GSO_TYPE,
  readChecksumOffset,
  readChecksumStart,
  readFlags,
  readGsoType,
  VIRTIO_FLAG,
  writeOffloadHeader,
} from './virtio-header.js'

/** `UDP_MAX_SEGMENTS` of the older kernels that take UDP GSO packets (linux/udp.h). */
const MAX_SEGMENTS = 64
const MAX_IP_BYTES = 65_535

const IPV4_TOTAL_LENGTH = 2
const IPV4_IDENTIFICATION = 4
const IPV4_FLAGS = 6
const IPV4_DONT_FRAGMENT = 0x40
const IPV4_TTL_AND_PROTOCOL = 8
const IPV4_CHECKSUM = 10
const IPV4_ADDRESSES = 12
const IPV6_PAYLOAD_LENGTH = 4
const IPV6_NEXT_HEADER = 6
const IPV6_ADDRESS_WORDS = 8
const UDP_LENGTH = 4
const UDP_CHECKSUM = 6

const NO_BYTES = new Uint8Array(0)

/**
 * Joins successive packets of a flow into one UDP GSO packet (`GSO_UDP_L4`, linux/virtio_net.h, from Linux 6.2), so that the
 * kernel routes, filters and translates them once. Only headers change: payloads stay where they are, and the header of the first
 * packet becomes the header of all.
 *
 *     add(first) = 0      add(second) = bytes of header to leave out      …      end()
 *
 * Packets join only if the kernel will cut the GSO packet into exactly the same packets: equal headers, equal payload lengths
 * (the last may be shorter), a partial checksum, identifications that count up or mean nothing (RFC 6864 §4.1).
 */
export class UdpCoalescer {
  // The first packet, until the group ends: not changed before, so that each next one is compared with it.
  #bytes: Uint8Array = NO_BYTES
  #at = 0
  #headerBytes = 0
  #payloadBytes = 0
  #groupBytes = 0
  #segments = 0

  /**
   * Takes the next frame that has passed the checks, its virtio-net header made anew.
   *
   * @param bytes holds the frame whole. When it begins a group, it is kept, and its header written, until {@link end}.
   * @param at where the virtio-net header begins
   * @param frameBytes virtio-net header and packet
   * @returns how many bytes at the front of the frame are left out, when what follows them is to be appended to the frame
   *   before; 0 when the frame stands alone or begins a group
   */
  add(bytes: Uint8Array, at: number, frameBytes: number): number {
    const headerBytes = coalescibleHeaderBytes(bytes, at, frameBytes)
    if (headerBytes === 0) {
      this.end()
      return 0
    }
    const payloadBytes = frameBytes - headerBytes
    if (this.#segments === 0 || !this.#fits(bytes, at, headerBytes, payloadBytes)) {
      this.end()
      this.#begin(bytes, at, headerBytes, payloadBytes)
      return 0
    }
    this.#segments++
    this.#groupBytes += payloadBytes
    if (payloadBytes < this.#payloadBytes || this.#segments === MAX_SEGMENTS) this.end()
    return headerBytes
  }

  /** Ends the group: writes the header of a GSO packet over that of its first packet, and lets go of it. Idempotent. */
  end(): void {
    if (this.#segments > 1) this.#writeHeader()
    this.#segments = 0
    this.#bytes = NO_BYTES
  }

  #begin(bytes: Uint8Array, at: number, headerBytes: number, payloadBytes: number): void {
    this.#bytes = bytes
    this.#at = at
    this.#headerBytes = headerBytes
    this.#payloadBytes = payloadBytes
    this.#groupBytes = headerBytes - VIRTIO_NET_HEADER_BYTES + payloadBytes
    this.#segments = 1
  }

  #fits(bytes: Uint8Array, at: number, headerBytes: number, payloadBytes: number): boolean {
    if (headerBytes !== this.#headerBytes || payloadBytes > this.#payloadBytes) return false
    if (this.#groupBytes + payloadBytes > MAX_IP_BYTES) return false
    const first = this.#at + VIRTIO_NET_HEADER_BYTES
    const next = at + VIRTIO_NET_HEADER_BYTES
    const ipBytes = headerBytes - VIRTIO_NET_HEADER_BYTES - UDP_HEADER_BYTES
    const isSameIp =
      ipBytes === IPV4_HEADER_BYTES
        ? isSameIpv4(this.#bytes, first, bytes, next, this.#segments)
        : isSameIpv6(this.#bytes, first, bytes, next)
    return isSameIp && isSameUdp(this.#bytes, first + ipBytes, bytes, next + ipBytes)
  }

  #writeHeader(): void {
    const bytes = this.#bytes
    const packet = this.#at + VIRTIO_NET_HEADER_BYTES
    const l4Offset = this.#headerBytes - VIRTIO_NET_HEADER_BYTES - UDP_HEADER_BYTES
    if (l4Offset === IPV4_HEADER_BYTES) {
      writeUint16(bytes, packet + IPV4_TOTAL_LENGTH, this.#groupBytes)
      writeUint16(bytes, packet + IPV4_CHECKSUM, 0)
      const sum = addToChecksum(0, bytes, packet, packet + IPV4_HEADER_BYTES)
      writeUint16(bytes, packet + IPV4_CHECKSUM, finishChecksum(sum))
    } else {
      writeUint16(bytes, packet + IPV6_PAYLOAD_LENGTH, this.#groupBytes - IPV6_HEADER_BYTES)
    }
    const udp = packet + l4Offset
    const udpBytes = this.#groupBytes - l4Offset
    writeUint16(bytes, udp + UDP_CHECKSUM, pseudoSumFor(bytes, udp, udpBytes))
    writeUint16(bytes, udp + UDP_LENGTH, udpBytes)
    const headerBytes = l4Offset + UDP_HEADER_BYTES
    writeOffloadHeader(
      bytes,
      this.#at,
      GSO_TYPE.udpL4,
      headerBytes,
      this.#payloadBytes,
      l4Offset,
      UDP_CHECKSUM,
    )
  }
}

/** Virtio-net, IP and UDP header of a packet that could join others, in bytes; else 0. */
function coalescibleHeaderBytes(bytes: Uint8Array, at: number, frameBytes: number): number {
  if (readFlags(bytes, at) !== VIRTIO_FLAG.needsChecksum || readGsoType(bytes, at) !== GSO_TYPE.none) return 0
  if (readChecksumOffset(bytes, at) !== UDP_CHECKSUM) return 0
  const packet = at + VIRTIO_NET_HEADER_BYTES
  const l4Offset = readChecksumStart(bytes, at)
  const headerBytes = VIRTIO_NET_HEADER_BYTES + l4Offset + UDP_HEADER_BYTES
  if (frameBytes <= headerBytes) return 0
  if (uint16(bytes, packet + l4Offset + UDP_LENGTH) !== frameBytes - VIRTIO_NET_HEADER_BYTES - l4Offset)
    return 0
  if (uint8(bytes, packet) >> 4 === 6) {
    return l4Offset === IPV6_HEADER_BYTES && uint8(bytes, packet + IPV6_NEXT_HEADER) === IP_PROTOCOL.udp
      ? headerBytes
      : 0
  }
  // The header's checksum will be written anew, so a wrong one must not become right.
  const isPlain = l4Offset === IPV4_HEADER_BYTES
  return isPlain && finishChecksum(addToChecksum(0, bytes, packet, packet + l4Offset)) === 0 ? headerBytes : 0
}

function isSameIpv4(a: Uint8Array, first: number, b: Uint8Array, next: number, index: number): boolean {
  const isAtomic = (uint8(a, first + IPV4_FLAGS) & IPV4_DONT_FRAGMENT) !== 0
  const identification = uint16(b, next + IPV4_IDENTIFICATION)
  const expected = (uint16(a, first + IPV4_IDENTIFICATION) + index) & 0xffff
  return (
    (isAtomic || identification === expected) &&
    uint16(a, first) === uint16(b, next) &&
    uint16(a, first + IPV4_FLAGS) === uint16(b, next + IPV4_FLAGS) &&
    uint16(a, first + IPV4_TTL_AND_PROTOCOL) === uint16(b, next + IPV4_TTL_AND_PROTOCOL) &&
    int32(a, first + IPV4_ADDRESSES) === int32(b, next + IPV4_ADDRESSES) &&
    int32(a, first + IPV4_ADDRESSES + 4) === int32(b, next + IPV4_ADDRESSES + 4)
  )
}

function isSameIpv6(a: Uint8Array, first: number, b: Uint8Array, next: number): boolean {
  if (int32(a, first) !== int32(b, next)) return false
  // Next header and hop limit, then the addresses.
  if (uint16(a, first + IPV6_NEXT_HEADER) !== uint16(b, next + IPV6_NEXT_HEADER)) return false
  for (let word = 0; word < IPV6_ADDRESS_WORDS; word++) {
    const at = IPV6_NEXT_HEADER + 2 + 4 * word
    if (int32(a, first + at) !== int32(b, next + at)) return false
  }
  return true
}

function isSameUdp(a: Uint8Array, first: number, b: Uint8Array, next: number): boolean {
  if (int32(a, first) !== int32(b, next)) return false
  return pseudoSumFor(a, first, uint16(b, next + UDP_LENGTH)) === uint16(b, next + UDP_CHECKSUM)
}

/** The sum over the pseudo-header, as it stands in the header at `udp`, for a datagram of `udpBytes` instead (RFC 1624). */
function pseudoSumFor(bytes: Uint8Array, udp: number, udpBytes: number): number {
  const length = uint16(bytes, udp + UDP_LENGTH)
  const sum = uint16(bytes, udp + UDP_CHECKSUM)
  return length === udpBytes ? sum : ~finishChecksum(sum + (~length & 0xffff) + udpBytes) & 0xffff
}
