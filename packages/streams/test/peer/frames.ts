import {
  FRAME_TYPE,
  type OpenRequest,
  type RefusedReason,
  type ResetReason,
  STREAM_DATA_HEADER_BYTES,
  writeCredit,
  writeFin,
  writeOpen,
  writeOpened,
  writeReceived,
  writeRefused,
  writeReset,
  writeResume,
  writeStreamDataHeader,
} from '@reversed-vpn/protocol'

const REQUEST: OpenRequest = { host: 'node-1', port: 443, isName: true }

/** The window that frames below grant unless they say otherwise. */
export const WINDOW_BYTES = 65_536

export const open = (id: number, windowBytes = WINDOW_BYTES) =>
  made((target) => writeOpen(target, 0, id, windowBytes, REQUEST))
export const opened = (id: number, windowBytes = WINDOW_BYTES) =>
  made((target) => writeOpened(target, 0, id, windowBytes, '10.0.0.1'))
export const refused = (id: number, reason: RefusedReason = 'refused') =>
  made((target) => writeRefused(target, 0, id, reason, ''))
export const credit = (id: number, bytes: number) => made((target) => writeCredit(target, 0, id, bytes))
export const fin = (id: number) => made((target) => writeFin(target, 0, id))
export const reset = (id: number, reason: ResetReason = 'cancelled') =>
  made((target) => writeReset(target, 0, id, reason))
export const received = (frames: number) => made((target) => writeReceived(target, 0, frames))
export const resume = (lane: number, frames: number) => made((target) => writeResume(target, 0, lane, frames))

export function data(id: number, bytes: number): Buffer {
  const frame = Buffer.alloc(STREAM_DATA_HEADER_BYTES + bytes, 1)
  writeStreamDataHeader(frame, 0, id, bytes)
  return frame
}

/** A frame as SPEC.md writes it: type, length and payload in hex. */
export const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

export const NAMES: Record<number, string> = Object.fromEntries(
  Object.entries(FRAME_TYPE).map(([name, type]) => [type, name]),
)

function made(write: (target: Buffer) => number): Buffer {
  const target = Buffer.alloc(512)
  return target.subarray(0, write(target))
}
