import type { TargetRefusalReason } from '@reversed-vpn/relay'

interface RefusalAnswer {
  readonly status: number
  readonly phrase: string
  readonly proxyError: string
}

/**
 * Why a request got no stream: the status it is answered with and the error type of its `Proxy-Status` (RFC 9209 §2.3).
 * kube-apiserver reads nothing but the status code and the reason phrase, so the phrase carries the details too.
 */
const REFUSALS = {
  'bad-request': { status: 400, phrase: 'bad request', proxyError: 'http_request_error' },
  prohibited: { status: 403, phrase: 'prohibited', proxyError: 'destination_ip_prohibited' },
  'method-not-allowed': { status: 405, phrase: 'only CONNECT is served', proxyError: 'http_request_error' },
  'header-timeout': { status: 408, phrase: 'request header timed out', proxyError: 'http_request_error' },
  'header-too-large': { status: 431, phrase: 'request header too large', proxyError: 'http_request_error' },
  internal: { status: 500, phrase: 'internal error', proxyError: 'proxy_internal_error' },
  refused: { status: 502, phrase: 'refused', proxyError: 'connection_refused' },
  unreachable: { status: 502, phrase: 'unreachable', proxyError: 'destination_ip_unroutable' },
  'dial-failed': { status: 502, phrase: 'dial failed', proxyError: 'connection_terminated' },
  'no-address': { status: 502, phrase: 'name has no address', proxyError: 'dns_error' },
  'tunnel-down': { status: 503, phrase: 'tunnel down', proxyError: 'destination_unavailable' },
  'hold-full': { status: 503, phrase: 'tunnel down', proxyError: 'connection_limit_reached' },
  'too-many-lookups': { status: 503, phrase: 'too many look-ups', proxyError: 'connection_limit_reached' },
  'too-many-connections': {
    status: 503,
    phrase: 'too many connections',
    proxyError: 'connection_limit_reached',
  },
  'out-of-ports': { status: 503, phrase: 'out of ports', proxyError: 'connection_limit_reached' },
  'shutting-down': { status: 503, phrase: 'shutting down', proxyError: 'destination_unavailable' },
  'dial-timeout': { status: 504, phrase: 'timed out', proxyError: 'connection_timeout' },
  'lookup-timeout': { status: 504, phrase: 'look-up timed out', proxyError: 'dns_timeout' },
} as const satisfies Record<string, RefusalAnswer> & Record<TargetRefusalReason, RefusalAnswer>

/** A reason that a request is refused for. */
export type RefusalReason = keyof typeof REFUSALS

/** All of them: values of the label `outcome` of the metrics and of `reason` in the access log. A closed set. */
export const EGRESS_REFUSAL_REASONS: readonly RefusalReason[] = Object.freeze(
  Object.keys(REFUSALS) as RefusalReason[],
)

/** A request that is not answered with 200. `detail` is for the caller and the log: one short line. */
export class EgressRefusal extends Error {
  override readonly name = 'EgressRefusal'
  readonly code = 'ERR_EGRESS_REFUSED'
  readonly reason: RefusalReason
  readonly detail: string

  constructor(reason: RefusalReason, detail: string, options?: ErrorOptions) {
    super(`${REFUSALS[reason].phrase}: ${detail}`, options)
    this.reason = reason
    this.detail = detail
  }

  /** The HTTP status code of the answer. */
  get status(): number {
    return REFUSALS[this.reason].status
  }

  /** The error type of the answer's `Proxy-Status` field (RFC 9209 §2.3). */
  get proxyError(): string {
    return REFUSALS[this.reason].proxyError
  }
}

const MAX_PHRASE_CHARS = 200

/** The whole answer to a refused request: status line with the reason, `Proxy-Status` (RFC 9209), no body. */
export function formatRefusal(refusal: EgressRefusal): string {
  const lines = [
    `HTTP/1.1 ${refusal.status} ${printable(refusal.message)}`,
    `Proxy-Status: seed-server; error=${refusal.proxyError}; details=${quoted(refusal.detail)}`,
    'Content-Length: 0',
    'Connection: close',
  ]
  if (refusal.reason === 'method-not-allowed') lines.push('Allow: CONNECT')
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** What may stand in a status line and in a quoted string: visible ASCII and spaces (RFC 9112 §4, RFC 8941 §3.3.3). */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_PHRASE_CHARS)
}

function quoted(text: string): string {
  return `"${printable(text).replace(/["\\]/g, '\\$&')}"`
}
