import type { Socket } from 'node:net'

/** Opens a byte stream to the seed-server's tunnel port, by whatever way. The session above does not know which. */
export interface Transport {
  /** How it goes, for logs: `CONNECT through api.example:8132`. */
  readonly description: string
  /**
   * A connected socket that carries nothing yet. The caller owns it.
   * @throws TransportError, or the signal's reason when it fires first
   */
  open(signal: AbortSignal): Promise<Socket>
}

/** Why no connection came about. Metric labels: a closed set. */
export const DIAL_FAILURES = [
  'resolve',
  'refused',
  'unreachable',
  'timeout',
  'proxy-refused',
  'proxy-early-data',
  'proxy-garbage',
  'tls-failed',
  'no-certificate',
  'certificate-expired',
  'certificate-not-yet-valid',
  'wrong-ca',
  'wrong-usage',
  'wrong-name',
  'revoked',
  'wrong-alpn',
  'rejected',
  'handshake',
  'closed',
] as const

export type DialFailure = (typeof DIAL_FAILURES)[number]

/** A dial that failed: at which step, and what was seen there. */
export class DialError extends Error {
  override readonly name = 'DialError'
  readonly code = 'ERR_DIAL'
  readonly failure: DialFailure

  constructor(failure: DialFailure, message: string, cause?: unknown) {
    super(message, { cause })
    this.failure = failure
  }
}

const FAILURE_OF_CODE: Readonly<Record<string, DialFailure>> = {
  ENOTFOUND: 'resolve',
  EAI_AGAIN: 'resolve',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'timeout',
  ERR_HANDSHAKE_TIMEOUT: 'timeout',
}

/** Names the step that an error of a socket, a resolver or the handshake belongs to. */
export function toDialError(error: unknown, otherwise: DialFailure): DialError {
  if (error instanceof DialError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  const failure = code.startsWith('HPE_') ? 'proxy-garbage' : (FAILURE_OF_CODE[code] ?? otherwise)
  return new DialError(failure, message || code || failure, error)
}
