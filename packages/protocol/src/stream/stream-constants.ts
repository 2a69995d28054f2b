// The wire's constants of streams (SPEC.md, "Streams"). What can be tuned does not belong here.

/** A stream id, and the number of a lane: u48. */
export const MAX_STREAM_ID = 2 ** 48 - 1

/** Streams of a multiplexer that have not ended at the side that opens them. */
export const MAX_STREAMS = 16_384

/** Payload of one STREAM_DATA frame, in bytes. */
export const MAX_STREAM_DATA_BYTES = 16_384

/** What precedes it: the header of the frame and the id. */
export const STREAM_DATA_HEADER_BYTES = 10

/** The most bytes of a stream and direction that may be on their way; no window and no sum of credit is larger. */
export const MAX_STREAM_WINDOW_BYTES = 16_777_216

/** Bytes of the host in OPEN. */
export const MAX_STREAM_HOST_BYTES = 255

/** Bytes of the detail in REFUSED. */
export const MAX_REFUSAL_DETAIL_BYTES = 200

/** Why a stream was not opened. Its code is its place in the list, from 1. */
export const REFUSED_REASONS = [
  'prohibited',
  'refused',
  'unreachable',
  'dial-timeout',
  'dial-failed',
  'no-address',
  'lookup-timeout',
  'too-many-lookups',
  'too-many-connections',
  'out-of-ports',
  'out-of-descriptors',
  'shutting-down',
  'internal',
] as const
export type RefusedReason = (typeof REFUSED_REASONS)[number]

/** Why a stream ended before its end. Its code is its place in the list, from 1. */
export const RESET_REASONS = [
  'cancelled',
  'connection-broke',
  'timed-out',
  'flow-control',
  'stream-protocol',
  'lanes-lost',
  'limit',
  'shutting-down',
  'internal',
] as const
export type ResetReason = (typeof RESET_REASONS)[number]
