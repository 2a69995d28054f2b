import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { type CertificateFacts, parseCertificates } from './certificate-facts.js'
import { CERTIFICATE_LABELS, isWhole, pemBlocks, REVOCATION_LIST_LABELS, separateBlocks } from './pem.js'
import { readRevocationListFacts } from './revocation-list-facts.js'
import { TlsMaterialError } from './tls-material-error.js'

/** Where a daemon's certificates lie. All are PEM. */
export interface TlsFiles {
  /** The own certificate, followed by its intermediates. */
  readonly certFile: string
  /** The private key of the first certificate in `certFile`. */
  readonly keyFile: string
  /** The authorities that may have issued the peer's certificate: one or several. */
  readonly caFile: string
  /** Revocation lists of those authorities: one of each, or none of its certificates is let in. */
  readonly crlFile?: string | undefined
}

/** Certificates that have been read and fit together. Immutable; a reload makes a new one. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca: string
  /** One list each: OpenSSL reads only the first of a text. */
  readonly crl?: readonly string[]
  /** All of its certificates: the own one first, then its intermediates, the authorities and their lists. */
  readonly certificates: readonly CertificateFacts[]
}

/**
 * Tunnel and egress use TLS 1.3 only. AES-128-GCM first: the fastest where the CPU has AES instructions.
 * Without tickets no session is resumed: each connection authenticates again, and revocation takes effect at
 * once.
 */
const TLS_DEFAULTS = {
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const satisfies SecureContextOptions

/** The files of a set, for watching. */
export function tlsFileList({ certFile, keyFile, caFile, crlFile }: TlsFiles): string[] {
  return [certFile, keyFile, caFile, ...(crlFile === undefined ? [] : [crlFile])]
}

/**
 * Reads certificate, key, authorities and revocation lists, and makes sure that they fit together.
 * @throws TlsMaterialError naming the file, and nothing has been kept then
 */
export function loadTlsMaterial(files: TlsFiles): TlsMaterial {
  const cert = readPem(files.certFile, 'certificate')
  const key = readPem(files.keyFile, 'private key')
  const ca = readPem(files.caFile, 'CA bundle')
  const chain = parseCertificates('own', cert, files.certFile, 'certificate')
  const authorities = parseCertificates('ca', ca, files.caFile, 'CA certificate')
  checkKeyFits(cert, key, files)
  const { crlFile = '' } = files
  const crl = crlFile === '' ? undefined : readRevocationLists(crlFile)
  const lists = (crl ?? []).map((list) => readRevocationListFacts(list, crlFile, ca))
  const material = { cert, key, ca, ...(crl && { crl }), certificates: [...chain, ...authorities, ...lists] }
  checkContext(material, files)
  return material
}

/**
 * Reads a bundle of authorities.
 * @throws TlsMaterialError naming the file
 */
export function loadAuthorities(file: string): {
  readonly ca: string
  readonly certificates: readonly CertificateFacts[]
} {
  const ca = readPem(file, 'CA bundle')
  return { ca, certificates: parseCertificates('ca', ca, file, 'CA certificate') }
}

function readPem(file: string, what: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new TlsMaterialError('ERR_TLS_FILE', file, `cannot read ${what} ${file}: ${code}`, error)
  }
  if (text.trim() === '') throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, `${what} ${file} is empty`)
  if (!text.includes('-----BEGIN ')) {
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, `${what} ${file} holds no PEM block`)
  }
  if (!isWhole(text)) {
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, `${what} ${file} is cut off inside a PEM block`)
  }
  return separateBlocks(text)
}

function readRevocationLists(file: string): string[] {
  const lists = pemBlocks(readPem(file, 'revocation list'), REVOCATION_LIST_LABELS)
  if (lists.length === 0) {
    const message = `revocation list ${file} holds no block of type X509 CRL`
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, message)
  }
  for (const crl of lists) {
    try {
      createSecureContext({ crl })
    } catch (error) {
      const message = `revocation list ${file} cannot be parsed`
      throw new TlsMaterialError('ERR_TLS_CERTIFICATE', file, message, error)
    }
  }
  return lists
}

function checkKeyFits(cert: string, key: string, files: TlsFiles): void {
  let fits: boolean
  try {
    const [own = ''] = pemBlocks(cert, CERTIFICATE_LABELS)
    fits = new X509Certificate(own).checkPrivateKey(createPrivateKey(key))
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
    throw new TlsMaterialError('ERR_TLS_CERTIFICATE', files.certFile, message, error)
  }
}

/** The material in the shape that `node:tls` takes. */
export function secureContextOptions(material: TlsMaterial): SecureContextOptions {
  const { cert, key, ca, crl } = material
  return { ...TLS_DEFAULTS, cert, key, ca, ...(crl === undefined ? {} : { crl: [...crl] }) }
}
