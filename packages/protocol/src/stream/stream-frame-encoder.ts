import { parseAddress } from '@reversed-vpn/ip'
import { FRAME_HEADER_BYTES, FRAME_TYPE } from '../constants.js'
import { writeFrameHeader } from '../frame-encoder.js'
import {
  MAX_REFUSAL_DETAIL_BYTES,
  REFUSED_REASONS,
  RESET_REASONS,
  type RefusedReason,
  type ResetReason,
} from './stream-constants.js'

// Each function writes one whole frame at `offset` and returns its bytes, header included. Unchecked and, but for texts, without
// allocation: the caller vouches for values within the limits of SPEC.md and for room.

const utf8 = new TextEncoder()

/** What OPEN asks for. */
export interface OpenRequest {
  /** A canonical address; with `isName` a name, which the acceptor looks up. ASCII, 1 to 255 characters. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
  readonly isName: boolean
}

/** OPEN, up to 272 bytes. @param windowBytes that the acceptor may send before it gets CREDIT */
export function writeOpen(
  target: Uint8Array,
  offset: number,
  id: number,
  windowBytes: number,
  { host, port, isName }: OpenRequest,
): number {
  const at = writeHead(target, offset, FRAME_TYPE.OPEN, 13 + host.length, id)
  writeU32(target, at, windowBytes)
  target[at + 4] = isName ? 1 : 0
  target[at + 5] = port >>> 8
  target[at + 6] = port
  for (let index = 0; index < host.length; index++) target[at + 7 + index] = host.charCodeAt(index)
  return at + 7 + host.length - offset
}

/** OPENED, 18 or 30 bytes. @param address that was dialled; anything else is written as 0.0.0.0 */
export function writeOpened(
  target: Uint8Array,
  offset: number,
  id: number,
  windowBytes: number,
  address: string,
): number {
  const { family, value } = parseAddress(address) ?? { family: 4, value: 0n }
  const addressBytes = family === 4 ? 4 : 16
  const at = writeHead(target, offset, FRAME_TYPE.OPENED, 10 + addressBytes, id)
  writeU32(target, at, windowBytes)
  for (let index = 0; index < addressBytes; index++) {
    target[at + 4 + index] = Number((value >> BigInt(8 * (addressBytes - 1 - index))) & 0xffn)
  }
  return at + 4 + addressBytes - offset
}

/** REFUSED, up to 211 bytes. @param detail for people; what exceeds 200 bytes is cut between characters */
export function writeRefused(
  target: Uint8Array,
  offset: number,
  id: number,
  reason: RefusedReason,
  detail: string,
): number {
  const from = offset + FRAME_HEADER_BYTES + 7
  const { written } = utf8.encodeInto(detail, target.subarray(from, from + MAX_REFUSAL_DETAIL_BYTES))
  const at = writeHead(target, offset, FRAME_TYPE.REFUSED, 7 + written, id)
  target[at] = REFUSED_REASONS.indexOf(reason) + 1
  return at + 1 + written - offset
}

/** What stands before the bytes of STREAM_DATA: 10 bytes. */
export function writeStreamDataHeader(
  target: Uint8Array,
  offset: number,
  id: number,
  dataBytes: number,
): number {
  return writeHead(target, offset, FRAME_TYPE.STREAM_DATA, 6 + dataBytes, id) - offset
}

/** CREDIT, 14 bytes. @param bytes that the peer may send beyond what it may already */
export function writeCredit(target: Uint8Array, offset: number, id: number, bytes: number): number {
  const at = writeHead(target, offset, FRAME_TYPE.CREDIT, 10, id)
  writeU32(target, at, bytes)
  return at + 4 - offset
}

/** FIN, 10 bytes. */
export function writeFin(target: Uint8Array, offset: number, id: number): number {
  return writeHead(target, offset, FRAME_TYPE.FIN, 6, id) - offset
}

/** RESET, 11 bytes. */
export function writeReset(target: Uint8Array, offset: number, id: number, reason: ResetReason): number {
  const at = writeHead(target, offset, FRAME_TYPE.RESET, 7, id)
  target[at] = RESET_REASONS.indexOf(reason) + 1
  return at + 1 - offset
}

/** RECEIVED, 10 bytes. @param frames of this lane that were processed, in all */
export function writeReceived(target: Uint8Array, offset: number, frames: number): number {
  return writeHead(target, offset, FRAME_TYPE.RECEIVED, 6, frames) - offset
}

/** RESUME, 16 bytes. @param frames of that lane that were processed, in all */
export function writeResume(target: Uint8Array, offset: number, lane: number, frames: number): number {
  const at = writeHead(target, offset, FRAME_TYPE.RESUME, 12, lane)
  writeU48(target, at, frames)
  return at + 6 - offset
}

/** The header and the u48 behind it. @returns where the rest goes */
function writeHead(
  target: Uint8Array,
  offset: number,
  type: number,
  payloadBytes: number,
  first: number,
): number {
  writeFrameHeader(target, offset, type, payloadBytes)
  writeU48(target, offset + FRAME_HEADER_BYTES, first)
  return offset + FRAME_HEADER_BYTES + 6
}

function writeU48(target: Uint8Array, offset: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  target[offset] = high >>> 8
  target[offset + 1] = high
  writeU32(target, offset + 2, value)
}

/** The low 32 bits. */
function writeU32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24
  target[offset + 1] = value >>> 16
  target[offset + 2] = value >>> 8
  target[offset + 3] = value
}
