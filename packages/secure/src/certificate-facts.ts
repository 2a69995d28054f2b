import { X509Certificate } from 'node:crypto'
import { CERTIFICATE_LABELS, pemBlocks } from './pem.js'
import { TlsMaterialError } from './tls-material-error.js'

/**
 * `own` is sent to the peer, `intermediate` links it to its authority, `ca` is one that peers need, `crl` a list of what one
 * revoked.
 */
type CertificateRole = 'own' | 'intermediate' | 'ca' | 'crl'

/** A certificate as logs and metrics describe it. */
export interface CertificateFacts {
  readonly role: CertificateRole
  readonly file: string
  /** In one line: `CN=vpn-seed-server`. */
  readonly subject: string
  /** Hexadecimal. */
  readonly serial: string
  /** SHA-256 of the certificate. */
  readonly fingerprint: string
  /** In milliseconds since the epoch, as `notAfterMs`. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/**
 * Reads every certificate of a file: the own one with its intermediates, or authorities.
 * @param what names them in errors
 * @throws TlsMaterialError when there is none, or one that cannot be parsed
 */
export function parseCertificates(
  role: 'own' | 'ca',
  text: string,
  file: string,
  what: string,
): CertificateFacts[] {
  const blocks = pemBlocks(text, CERTIFICATE_LABELS)
  if (blocks.length === 0)
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, `${what} ${file} holds no certificate`)
  return blocks.map((pem, index) => {
    try {
      return describe(role === 'own' && index > 0 ? 'intermediate' : role, file, new X509Certificate(pem))
    } catch (error) {
      const which = blocks.length === 1 ? file : `${file}, number ${index + 1},`
      throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, `${what} ${which} cannot be parsed`, error)
    }
  })
}

function describe(role: CertificateRole, file: string, certificate: X509Certificate): CertificateFacts {
  return {
    role,
    file,
    subject: (certificate.subject ?? '').split('\n').join(', '),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint256,
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
  }
}
