/** The limits of an egress proxy. Times in ms, 32-bit; counts are positive integers unless it says otherwise. */
export interface EgressLimits {
  /** How long a CONNECT waits for a tunnel that is down. 0: not at all. @default 20000 */
  readonly holdMs: number
  /** How many CONNECTs may wait for the tunnel; 0: none. @default 1000 */
  readonly holdMax: number
  /** From the first dial of a CONNECT to its answer, all addresses of the name together. @default 10000 */
  readonly dialTimeoutMs: number
  /** How long a CONNECT waits for its name to be resolved. @default 5000 */
  readonly lookupTimeoutMs: number
  /** Names looked up at a time. @default 64 */
  readonly maxLookups: number
  /** Names that may wait for one of those. @default 1024 */
  readonly maxQueuedLookups: number
  /** TCP accept to the end of the TLS handshake. @default 10000 */
  readonly handshakeTimeoutMs: number
  /** End of the handshake to the end of the request's header. @default 10000 */
  readonly headerTimeoutMs: number
  /** Request line and header fields. @default 8192 */
  readonly maxHeaderBytes: number
  /** Admitted connections at a time, streams included. @default 5000 */
  readonly maxConnections: number
  /** How long the last bytes of a connection may take to be sent once its other end is gone. @default 5000 */
  readonly lingerMs: number
  /** On Unix sockets: how long the target's first bytes are held back at most, for a caller that does not read the 200. @default 5000 */
  readonly unixHoldBackMs: number
  /** At most one log line per this time for each source of refused callers. @default 60000 */
  readonly refusalLogIntervalMs: number
}

export const EGRESS_DEFAULTS = Object.freeze({
  holdMs: 20_000,
  holdMax: 1000,
  dialTimeoutMs: 10_000,
  lookupTimeoutMs: 5000,
  maxLookups: 64,
  maxQueuedLookups: 1024,
  handshakeTimeoutMs: 10_000,
  headerTimeoutMs: 10_000,
  maxHeaderBytes: 8192,
  maxConnections: 5000,
  lingerMs: 5000,
  unixHoldBackMs: 5000,
  refusalLogIntervalMs: 60_000,
}) satisfies EgressLimits

const MAY_BE_ZERO: readonly (keyof EgressLimits)[] = [
  'holdMs',
  'holdMax',
  'maxQueuedLookups',
  'unixHoldBackMs',
]
const MAX_LIMIT = 2 ** 31 - 1

/** @throws RangeError naming the limit, the value seen and the range */
export function resolveEgressLimits(input: Partial<EgressLimits> = {}): EgressLimits {
  const limits = { ...EGRESS_DEFAULTS, ...input }
  for (const key of Object.keys(EGRESS_DEFAULTS) as (keyof EgressLimits)[]) {
    const min = MAY_BE_ZERO.includes(key) ? 0 : 1
    const value = limits[key]
    if (!Number.isInteger(value) || value < min || value > MAX_LIMIT) {
      throw new RangeError(`${key} is ${value}, expected an integer from ${min} to ${MAX_LIMIT}`)
    }
  }
  return Object.freeze(limits)
}
