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
  'old-tls',
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
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'wrong-alpn',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'old-tls',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'old-tls',
  ERR_PEER_REJECTED: 'rejected',
}

/** Names the step that an error of a socket, a resolver or the handshake belongs to. */
export function toDialError(error: unknown, otherwise: DialFailure): DialError {
  if (error instanceof DialError) return error
  const { code: anyCode, message } = error as NodeJS.ErrnoException
  // That of a DOMException, which a signal may have as its reason, is a number.
  const code = typeof anyCode === 'string' ? anyCode : ''
  const failure = code.startsWith('HPE_') ? 'proxy-garbage' : (FAILURE_OF_CODE[code] ?? otherwise)
  return new DialError(failure, message || code || failure, error)
}
