// Reads of network and little-endian fields that V8 inlines. The caller has checked that the bytes are there.

export function uint8(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

/** Big-endian, as in every IP header. */
export function uint16(bytes: Uint8Array, at: number): number {
  return (uint8(bytes, at) << 8) | uint8(bytes, at + 1)
}

/** Big-endian, as the signed number of the same bits: an unsigned one would not stay a small integer in V8. */
export function int32(bytes: Uint8Array, at: number): number {
  return (uint16(bytes, at) << 16) | uint16(bytes, at + 2)
}

/** Little-endian, as in the virtio-net header. */
export function uint16Little(bytes: Uint8Array, at: number): number {
  return uint8(bytes, at) | (uint8(bytes, at + 1) << 8)
}

export function writeUint16(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 8
  target[at + 1] = value
}

export function writeInt32(target: Uint8Array, at: number, value: number): void {
  writeUint16(target, at, value >>> 16)
  writeUint16(target, at + 2, value)
}

export function writeUint16Little(target: Uint8Array, at: number, value: number): void {
  target[at] = value
  target[at + 1] = value >>> 8
}
