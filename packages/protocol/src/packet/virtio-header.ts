import { uint8, uint16Little, writeUint16Little } from './bytes.js'

// `struct virtio_net_hdr` (linux/virtio_net.h), little-endian: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset.
// There is no num_buffers.

export const VIRTIO_FLAG = { needsChecksum: 1, dataValid: 2 } as const
export const GSO_TYPE = { none: 0, tcpV4: 1, tcpV6: 4, udpL4: 5 } as const
/** Or-ed to a TCP `gso_type`: the GSO packet carries CWR, which belongs to its first segment alone. */
export const GSO_ECN = 0x80

export function readFlags(bytes: Uint8Array, at: number): number {
  return uint8(bytes, at)
}

export function readGsoType(bytes: Uint8Array, at: number): number {
  return uint8(bytes, at + 1)
}

export function readGsoSize(bytes: Uint8Array, at: number): number {
  return uint16Little(bytes, at + 4)
}

export function readChecksumStart(bytes: Uint8Array, at: number): number {
  return uint16Little(bytes, at + 6)
}

export function readChecksumOffset(bytes: Uint8Array, at: number): number {
  return uint16Little(bytes, at + 8)
}

/** All zero: nothing is left to the receiver. */
export function writePlainHeader(target: Uint8Array, at: number): void {
  for (let index = 0; index < 10; index++) target[at + index] = 0
}

/** The checksum is left to the receiver; segmentation too, unless `gsoType` is none. */
export function writeOffloadHeader(
  target: Uint8Array,
  at: number,
  gsoType: number,
  headerBytes: number,
  gsoSize: number,
  checksumStart: number,
  checksumOffset: number,
): void {
  target[at] = VIRTIO_FLAG.needsChecksum
  target[at + 1] = gsoType
  writeUint16Little(target, at + 2, headerBytes)
  writeUint16Little(target, at + 4, gsoSize)
  writeUint16Little(target, at + 6, checksumStart)
  writeUint16Little(target, at + 8, checksumOffset)
}
