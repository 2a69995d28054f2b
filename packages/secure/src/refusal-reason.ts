import { REJECT_CODES } from '@reversed-vpn/protocol'

/** Why a connection to the tunnel port did not become a lane. Metric labels: a closed set. */
export const REFUSAL_REASONS = [
  ...REJECT_CODES,
  'wrong-alpn',
  'old-tls',
  'plain-http',
  'not-tls',
  'tls-failed',
  'handshake-timeout',
  'too-many-handshakes',
  'source-limit',
  'proxy-header',
  'frame-too-large',
  'unexpected-frame',
  'refused-by-peer',
  'left-early',
  'too-many-sessions',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** Error codes of OpenSSL as Node names them, of Node's TLS, and our own. */
const REASON_OF_CODE: Readonly<Record<string, RefusalReason>> = {
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'wrong-alpn',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'old-tls',
  ERR_SSL_VERSION_TOO_LOW: 'old-tls',
  ERR_SSL_HTTP_REQUEST: 'plain-http',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'plain-http',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not-tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not-tls',
  ERR_SSL_RECORD_LENGTH_MISMATCH: 'not-tls',
  ERR_SSL_UNEXPECTED_MESSAGE: 'not-tls',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'handshake-timeout',
  ERR_HANDSHAKE_TIMEOUT: 'handshake-timeout',
  ERR_FRAME_TOO_LARGE: 'frame-too-large',
  ERR_FRAME_TOO_SHORT: 'unexpected-frame',
  ERR_FRAME_UNEXPECTED: 'unexpected-frame',
  ERR_CONTROL_INVALID: 'bad-hello',
  ERR_VERSION_UNSUPPORTED: 'version',
  ERR_PEER_REJECTED: 'refused-by-peer',
  ERR_PEER_CLOSED: 'left-early',
  ERR_TOO_MANY_SESSIONS: 'too-many-sessions',
  ECONNRESET: 'left-early',
  EPIPE: 'left-early',
}

/** The reason for an error of the TLS handshake, or of what follows it. */
export function refusalReasonOf(error: unknown, otherwise: RefusalReason): RefusalReason {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return REASON_OF_CODE[code ?? ''] ?? otherwise
}
