import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'

/** Where a daemon's certificates lie. All are PEM. */
export interface TlsFiles {
  /** The own certificate, followed by its intermediates. */
  readonly certFile: string
  /** The private key of the first certificate in `certFile`. */
  readonly keyFile: string
  /** The authorities that may have issued the peer's certificate: one or several. */
  readonly caFile: string
  /** Revocation lists of those authorities. */
  readonly crlFile?: string | undefined
}

/** Certificates that have been read and fit together. Immutable; a reload makes a new one. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly crl?: string
  /** When the own certificate ends, in milliseconds since the epoch. */
  readonly notAfterMs: number
}

export type TlsMaterialErrorCode = 'ERR_TLS_FILE' | 'ERR_TLS_CERTIFICATE' | 'ERR_TLS_KEY_MISMATCH'

/** A certificate file that cannot be used: which, and why. One line. */
export class TlsMaterialError extends Error {
  override readonly name = 'TlsMaterialError'
  readonly code: TlsMaterialErrorCode
  readonly file: string

  constructor(code: TlsMaterialErrorCode, file: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.file = file
  }
}

/** Tunnel and egress speak TLS 1.3 and nothing older. AES-128-GCM first: the fastest where AES is in hardware. */
export const TLS_DEFAULTS = {
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
} as const satisfies SecureContextOptions

/**
 * Reads certificate, key, authorities and revocation lists, and makes sure that they fit together.
 * @throws TlsMaterialError naming the file, and nothing has been kept then
 */
export function loadTlsMaterial(files: TlsFiles): TlsMaterial {
  const cert = readPem(files.certFile, 'certificate')
  const key = readPem(files.keyFile, 'private key')
  const ca = readPem(files.caFile, 'CA bundle')
  const own = parseCertificate(cert, files.certFile, 'certificate')
  parseCertificate(ca, files.caFile, 'CA certificate')
  checkKeyFits(own, key, files)
  const crl = files.crlFile === undefined ? {} : { crl: readPem(files.crlFile, 'revocation list') }
  const material = { cert, key, ca, ...crl, notAfterMs: Date.parse(own.validTo) }
  checkContext(material, files)
  return material
}

function readPem(file: string, what: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new TlsMaterialError('ERR_TLS_FILE', file, `cannot read ${what} ${file}: ${code}`, error)
  }
  if (!text.includes('-----BEGIN ')) {
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, `${what} ${file} holds no PEM block`)
  }
  return text
}

function parseCertificate(pem: string, file: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, `${what} ${file} cannot be parsed`, error)
  }
}

function checkKeyFits(own: X509Certificate, key: string, files: TlsFiles): void {
  let fits: boolean
  try {
    fits = own.checkPrivateKey(createPrivateKey(key))
  } catch (error) {
    const message = `private key ${files.keyFile} cannot be parsed`
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', files.keyFile, message, error)
  }
  if (!fits) {
    const message = `private key ${files.keyFile} does not belong to certificate ${files.certFile}`
    throw new TlsMaterialError('ERR_TLS_KEY_MISMATCH', files.keyFile, message)
  }
}

function checkContext(material: TlsMaterial, files: TlsFiles): void {
  try {
    createSecureContext(secureContextOptions(material))
  } catch (error) {
    const message = `certificates ${files.certFile}, ${files.caFile} are refused: ${(error as Error).message}`
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', files.crlFile ?? files.caFile, message, error)
  }
}

/** The material in the shape that `node:tls` takes. */
export function secureContextOptions(material: TlsMaterial): SecureContextOptions {
  const { cert, key, ca, crl } = material
  return { ...TLS_DEFAULTS, cert, key, ca, ...(crl === undefined ? {} : { crl }) }
}
