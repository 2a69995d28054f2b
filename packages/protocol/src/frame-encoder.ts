/**
 * Writes the four bytes that precede a payload: type, then length big-endian. Unchecked and without allocation: the caller
 * vouches for 0 ≤ `type` ≤ 255, for `payloadBytes` within its type's limit, and for four bytes of room at `offset`.
 */
export function writeFrameHeader(
  target: Uint8Array,
  offset: number,
  type: number,
  payloadBytes: number,
): void {
  target[offset] = type
  target[offset + 1] = payloadBytes >>> 16
  target[offset + 2] = payloadBytes >>> 8
  target[offset + 3] = payloadBytes
}
