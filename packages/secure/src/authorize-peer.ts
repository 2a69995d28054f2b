import type { PeerCertificate, TLSSocket } from 'node:tls'

/** Why a peer's certificate was refused. Also the REJECT codes and metric labels. */
export const PEER_REFUSALS = [
  'no-certificate',
  'certificate-expired',
  'certificate-not-yet-valid',
  'wrong-ca',
  'wrong-usage',
  'wrong-name',
  'revoked',
] as const

type PeerRefusal = (typeof PEER_REFUSALS)[number]

interface PeerExpectation {
  /** The DNS name that the certificate must carry, compared exactly. No wildcards. */
  readonly name: string
  /** What the peer uses the certificate for: `client` if it dialled, `server` if we did. */
  readonly usage: 'client' | 'server'
}

/** The other end of a connection, as its certificate says. */
export interface AuthenticatedPeer {
  /** The name its certificate was accepted for. */
  readonly name: string
  /** SHA-256 of its certificate. */
  readonly fingerprint: string
}

export type PeerVerdict =
  | ({ readonly ok: true } & AuthenticatedPeer)
  | { readonly ok: false; readonly reason: PeerRefusal; readonly detail: string }

/** Extended key usages (RFC 5280 §4.2.1.12). A certificate that names none may be used for any. */
const USAGE_OIDS = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const

/** Our words for the verdicts of OpenSSL (`X509_V_ERR_*` as Node names them). All others: `wrong-ca`. */
const CHAIN_REFUSALS: Readonly<Record<string, PeerRefusal>> = {
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-not-yet-valid',
  CERT_REVOKED: 'revoked',
  INVALID_PURPOSE: 'wrong-usage',
}

/**
 * Decides whether the other end of a finished TLS handshake may be talked to. Every socket here is made with
 * `rejectUnauthorized: false`, so that the reason is known: this function is the only thing between a
 * stranger and the session, and must be called before a byte is parsed.
 */
export function authorizePeer(socket: TLSSocket, expected: PeerExpectation): PeerVerdict {
  const certificate = peerCertificate(socket)
  if (certificate === undefined) {
    return { ok: false, reason: 'no-certificate', detail: 'the peer presented no certificate' }
  }
  if (!socket.authorized) {
    const code = chainErrorCode(socket.authorizationError)
    return {
      ok: false,
      reason: CHAIN_REFUSALS[code] ?? 'wrong-ca',
      detail: `${shown(subjectOf(certificate) || 'no subject')}: ${code}`,
    }
  }
  const usages = certificate.ext_key_usage
  if (usages !== undefined && !usages.includes(USAGE_OIDS[expected.usage])) {
    return { ok: false, reason: 'wrong-usage', detail: `certificate is not for TLS ${expected.usage}s` }
  }
  const names = certificateNames(certificate)
  if (!names.includes(expected.name)) {
    const detail = `certificate names ${shown(names.join(', ') || 'nothing')}, expected ${expected.name}`
    return { ok: false, reason: 'wrong-name', detail }
  }
  return { ok: true, name: expected.name, fingerprint: certificate.fingerprint256 }
}

/**
 * The certificate as TLS has it. Nothing parses its bytes again, which takes OpenSSL 3 as long as a quarter of the handshake. Not
 * `getPeerX509Certificate`: that of Node 20 never frees the rest of the peer's chain, about 4 KB for each handshake.
 */
function peerCertificate(socket: TLSSocket): PeerCertificate | undefined {
  // Null, other than its type says, once the connection is gone; an empty object where there is none.
  const certificate = socket.getPeerCertificate() as PeerCertificate | null
  return certificate?.raw === undefined ? undefined : certificate
}

const MAX_SHOWN_CHARS = 200

/** What strangers wrote into a certificate, which may be 100 KB, for one line of a log. */
function shown(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ')
  return line.length > MAX_SHOWN_CHARS ? `${line.slice(0, MAX_SHOWN_CHARS)}…` : line
}

/** Node types it as an Error and hands over a string. */
function chainErrorCode(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.message
  return String(error)
}

/** In one line: `O=Example, CN=client`. */
function subjectOf({ subject }: PeerCertificate): string {
  const parts = Object.entries(subject ?? {}).flatMap(([type, value]) =>
    valuesOf(value).map((one) => `${type}=${one}`),
  )
  return parts.join(', ')
}

/** Of an attribute of a name: Node has a list where there are several. */
function valuesOf(attribute: string | readonly string[] | undefined): readonly string[] {
  return [attribute ?? []].flat()
}

/** The DNS names of a certificate; its common name counts only where there is none. */
function certificateNames({ subjectaltname = '', subject }: PeerCertificate): readonly string[] {
  // Node escapes commas within a name.
  const names = subjectaltname
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice('DNS:'.length))
  return names.length > 0 ? names : valuesOf(subject?.CN)
}
