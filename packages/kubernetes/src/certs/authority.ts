// x509 finds its parts by what this adds to `Reflect`, so it has to be imported first.
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** ECDSA on P-256: small, fast, and supported by every implementation of TLS 1.3. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** How far the clocks of other machines may be behind. */
const CLOCK_SKEW_MS = 5 * 60_000
const DAY_MS = 86_400_000

/** A certificate with its private key, both PEM. */
export interface CertificatePair {
  readonly certificate: string
  readonly key: string
}

export interface Validity {
  readonly now: Date
  readonly validDays: number
}

export interface LeafRequest {
  /** The first is also the common name. */
  readonly names: readonly [string, ...string[]]
  readonly usages: readonly ('server' | 'client')[]
}

const USAGES = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth }

/** A certificate authority in memory. What it signs is valid for as long as its own certificate. */
export class Authority {
  readonly #certificate: x509.X509Certificate
  readonly #keys: webcrypto.CryptoKeyPair
  readonly #validity: Validity

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair, validity: Validity) {
    this.#certificate = certificate
    this.#keys = keys
    this.#validity = validity
  }

  static async make(commonName: string, validity: Validity): Promise<Authority> {
    const keys = await makeKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [commonName] }],
      keys,
      signingAlgorithm: ALGORITHM,
      ...period(validity),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    })
    return new Authority(certificate, keys, validity)
  }

  /** The authority's own certificate and key. */
  async pair(): Promise<CertificatePair> {
    return toPair(this.#certificate, this.#keys)
  }

  /** A new key, and a certificate for it with these names and usages. */
  async issue({ names, usages }: LeafRequest): Promise<CertificatePair> {
    const keys = await makeKeys()
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [{ CN: [names[0]] }],
      issuer: this.#certificate.subjectName,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      ...period(this.#validity),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(usages.map((usage) => USAGES[usage])),
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
      ],
    })
    return toPair(certificate, keys)
  }
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function period({ now, validDays }: Validity) {
  return {
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(now.getTime() + validDays * DAY_MS),
  }
}

async function toPair(
  certificate: x509.X509Certificate,
  { privateKey }: webcrypto.CryptoKeyPair,
): Promise<CertificatePair> {
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')
  return { certificate: `${certificate.toString('pem')}\n`, key: `${key}\n` }
}
