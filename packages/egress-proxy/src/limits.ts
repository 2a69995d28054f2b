import { LOOKUP_LIMITS, type LookupLimits } from '@reversed-vpn/relay'

/** The limits of an egress proxy that no flag changes. Times in ms. */
export interface EgressLimits extends LookupLimits {
  /**
   * How much longer than the hold a CONNECT may wait for its answer, look-up, hold and dial together. It has to stay below the
   * 30 s that a kube-apiserver waits, which sees a status and a reason then. Short holds leave time for look-up and dial.
   */
  readonly beyondHoldMs: number
  /** From the first dial of a CONNECT to its answer, all addresses of the name together. */
  readonly dialTimeoutMs: number
  /** From the accepted connection to the end of the TLS handshake, once that has begun. */
  readonly handshakeTimeoutMs: number
  /** From the end of the handshake to the end of the request header. */
  readonly headerTimeoutMs: number
  /** Admitted connections at a time, streams included. */
  readonly maxConnections: number
  /** How long a Unix socket holds back the first bytes of the target for a caller that does not read the 200. */
  readonly unixHoldBackMs: number
}

export const EGRESS_LIMITS: Omit<EgressLimits, 'maxConnections'> = Object.freeze({
  ...LOOKUP_LIMITS,
  beyondHoldMs: 5000,
  dialTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  headerTimeoutMs: 10_000,
  unixHoldBackMs: 5000,
})

/** How long a CONNECT may wait for its answer in all, in ms. */
export function answerTimeoutMs(holdMs: number, limits: EgressLimits): number {
  const { beyondHoldMs, lookupTimeoutMs, dialTimeoutMs } = limits
  return Math.max(holdMs + beyondHoldMs, lookupTimeoutMs + dialTimeoutMs)
}

/** How long the last bytes of a connection may take to be sent once its other end is gone. */
export const LINGER_MS = 5000
