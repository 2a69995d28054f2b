/** Why a connection ended, for logs and metrics. */
export const END_REASONS = [
  // After it was connected to its backend.
  'ended',
  'client-reset',
  'backend-reset',
  'idle',
  // At the end of the gateway, in any state.
  'drained',
  // Before anything was read.
  'too-many-connections',
  'source-limit',
  'proxy-header-missing',
  'proxy-header-malformed',
  // By what the client sent, or did not send.
  'client-left',
  'first-bytes-timeout',
  'not-tls',
  'hello-malformed',
  'hello-too-long',
  'no-server-name',
  'unknown-server-name',
  'bad-request',
  'header-too-long',
  'redirected',
  'no-destination',
  'several-destinations',
  'malformed-destination',
  'unknown-destination',
  // By the backend.
  'lookup-failed',
  'backend-refused',
  'backend-unreachable',
  'backend-timeout',
] as const

export type EndReason = (typeof END_REASONS)[number]
