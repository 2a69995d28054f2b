import type { OffloadKind } from '../constants.js'
import { IP_PROTOCOL, type PacketHeaders } from './headers.js'
import { VERDICT } from './verdict.js'
import {
  GSO_ECN,
  GSO_TYPE,
  readChecksumOffset,
  readChecksumStart,
  readFlags,
  readGsoSize,
  readGsoType,
  VIRTIO_FLAG,
  writeOffloadHeader,
  writePlainHeader,
} from './virtio-header.js'

/** The smallest `gso_size` that a receiver takes. Below that, one frame could become thousands of packets. */
export const MIN_GSO_SIZE_BYTES = 256

const KNOWN_FLAGS = VIRTIO_FLAG.needsChecksum | VIRTIO_FLAG.dataValid
const TCP_CHECKSUM_OFFSET = 16
const UDP_CHECKSUM_OFFSET = 6

/** What the receiver's device takes in a frame. TCP segmentation counts only with `checksum`. */
export class ReceiverLimits {
  readonly checksum: boolean
  readonly tcpV4: boolean
  readonly tcpV6: boolean
  readonly mtuBytes: number

  constructor(kinds: readonly OffloadKind[], mtuBytes: number) {
    this.checksum = kinds.includes('checksum')
    this.tcpV4 = this.checksum && kinds.includes('tso4')
    this.tcpV6 = this.checksum && kinds.includes('tso6')
    this.mtuBytes = mtuBytes
  }
}

/**
 * Judges the virtio-net header at `at` by the packet behind it and, where it passes, writes one made anew over it.
 * DATA_VALID, which a kernel sets on packets that it has verified itself, is left out on both sides: a receiver must not
 * believe it, and without it the kernel verifies again. Without NEEDS_CSUM and GSO the other fields mean nothing and become zero.
 *
 * @param headers of the packet, which has passed every other check
 * @returns a verdict; unless it is `passed`, nothing was written
 */
export function rebuildHeader(
  bytes: Uint8Array,
  at: number,
  packetBytes: number,
  headers: PacketHeaders,
  limits: ReceiverLimits,
): number {
  const flags = readFlags(bytes, at)
  const gsoKind = readGsoType(bytes, at) & ~GSO_ECN
  const needsChecksum = (flags & VIRTIO_FLAG.needsChecksum) !== 0
  if (gsoKind === GSO_TYPE.none && packetBytes > limits.mtuBytes) return VERDICT['exceeds-mtu']
  if ((flags & ~KNOWN_FLAGS) !== 0) return VERDICT['offload-flags']
  if (gsoKind === GSO_TYPE.none && !needsChecksum) {
    writePlainHeader(bytes, at)
    return VERDICT.passed
  }
  if (headers.isFragment) return VERDICT['offload-fragment']
  if (!needsChecksum) return VERDICT['gso-without-checksum']
  if (!limits.checksum) return VERDICT['offload-not-accepted']
  const checksumOffset = checksumOffsetOf(headers.protocol)
  if (
    checksumOffset === 0 ||
    readChecksumStart(bytes, at) !== headers.l4Offset ||
    readChecksumOffset(bytes, at) !== checksumOffset
  ) {
    return VERDICT['checksum-fields']
  }
  if (gsoKind !== GSO_TYPE.none) return rebuildGso(bytes, at, packetBytes, headers, limits)
  writeOffloadHeader(bytes, at, GSO_TYPE.none, 0, 0, headers.l4Offset, checksumOffset)
  return VERDICT.passed
}

function rebuildGso(
  bytes: Uint8Array,
  at: number,
  packetBytes: number,
  headers: PacketHeaders,
  limits: ReceiverLimits,
): number {
  const gsoType = readGsoType(bytes, at)
  const gsoKind = gsoType & ~GSO_ECN
  const gsoSize = readGsoSize(bytes, at)
  const headerBytes = headers.l4Offset + headers.l4HeaderBytes
  if (!fitsPacket(gsoKind, headers)) return VERDICT['gso-type']
  if (!isAccepted(gsoKind, limits)) return VERDICT['offload-not-accepted']
  if (headerBytes + gsoSize > limits.mtuBytes) return VERDICT['exceeds-mtu']
  if (gsoSize < MIN_GSO_SIZE_BYTES) return VERDICT['gso-size']
  if (packetBytes - headerBytes <= gsoSize) {
    // One segment only: an ordinary packet. Newer kernels see that themselves, older ones do not.
    writeOffloadHeader(bytes, at, GSO_TYPE.none, 0, 0, headers.l4Offset, TCP_CHECKSUM_OFFSET)
    return VERDICT.passed
  }
  writeOffloadHeader(bytes, at, gsoType, headerBytes, gsoSize, headers.l4Offset, TCP_CHECKSUM_OFFSET)
  return VERDICT.passed
}

/** Whether the packet is of the IP version and protocol that this `gso_type` (without GSO_ECN) is for. */
export function fitsPacket(gsoKind: number, headers: PacketHeaders): boolean {
  if (gsoKind === GSO_TYPE.udpL4) return headers.protocol === IP_PROTOCOL.udp
  if (headers.protocol !== IP_PROTOCOL.tcp) return false
  return gsoKind === (headers.version === 4 ? GSO_TYPE.tcpV4 : GSO_TYPE.tcpV6)
}

/** Never for UDP (SPEC.md, section 3.1). */
function isAccepted(gsoKind: number, limits: ReceiverLimits): boolean {
  if (gsoKind === GSO_TYPE.tcpV4) return limits.tcpV4
  return gsoKind === GSO_TYPE.tcpV6 && limits.tcpV6
}

// 0 for a protocol whose checksum can not be left to the receiver.
function checksumOffsetOf(protocol: number): number {
  if (protocol === IP_PROTOCOL.tcp) return TCP_CHECKSUM_OFFSET
  return protocol === IP_PROTOCOL.udp ? UDP_CHECKSUM_OFFSET : 0
}
