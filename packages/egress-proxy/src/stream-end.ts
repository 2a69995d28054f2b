import type { joinSockets } from '@reversed-vpn/relay'

/** How a stream ended. `end` in the access log: a closed set. */
export const STREAM_ENDS = [
  // Both directions ended in order; who ended its own first.
  'caller-closed',
  'target-closed',
  // One side broke the connection off, or left while the other still sent.
  'caller-reset',
  'target-reset',
  // One side did not answer any more: its probes or its data were never acknowledged.
  'caller-timed-out',
  'target-timed-out',
  // The shoot-client that carried the stream has ended, or was away for too long.
  'tunnel-lost',
  // The target lies outside the shoot's networks since a reload.
  'prohibited',
  // The seed-server ended and the stream did not end within its grace.
  'shutting-down',
] as const

export type StreamEnd = (typeof STREAM_ENDS)[number]

export const END_OF_OUTCOME = {
  'client-ended': 'caller-closed',
  'target-ended': 'target-closed',
  'client-broke': 'caller-reset',
  'target-broke': 'target-reset',
  'client-timed-out': 'caller-timed-out',
  'target-timed-out': 'target-timed-out',
} as const satisfies Record<Awaited<ReturnType<typeof joinSockets>>, StreamEnd>
