import { uint8, uint16 } from './bytes.js'

/**
 * Adds the 16-bit words from `start` to `end` to a running sum (RFC 1071); an odd last byte counts as if a zero followed. Plain
 * numbers hold the sum of 64 KiB exactly, so it is folded only once, by `finishChecksum`.
 */
export function addToChecksum(sum: number, bytes: Uint8Array, start: number, end: number): number {
  let total = sum
  let at = start
  for (; at + 1 < end; at += 2) total += uint16(bytes, at)
  return at < end ? total + uint8(bytes, at) * 256 : total
}

/** The Internet checksum of a sum, 0 to 0xffff. */
export function finishChecksum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000)
  return ~folded & 0xffff
}

/** As `finishChecksum` where zero means "no checksum" (RFC 768); for TCP, both forms of zero verify alike. */
export function finishTransportChecksum(sum: number): number {
  return finishChecksum(sum) || 0xffff
}
