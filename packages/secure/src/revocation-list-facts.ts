import { createHash, X509Certificate } from 'node:crypto'
import type { CertificateFacts } from './certificate-facts.js'
import { CERTIFICATE_LABELS, pemBlocks } from './pem.js'

/** One DER element of `bytes` at `at`, a whole number of bytes long. */
interface Element {
  readonly tag: number
  readonly at: number
  readonly contentAt: number
  readonly endAt: number
}

const INTEGER = 0x02
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18

/**
 * What an authority's list says of itself (RFC 5280 §5.1). It has no serial number; one without nextUpdate never ends.
 * @param list PEM that OpenSSL has parsed
 * @param ca PEM of the authorities, to name the list's
 */
export function readRevocationListFacts(list: string, file: string, ca: string): CertificateFacts {
  const der = Buffer.from(list.replace(/-----[^-]+-----/g, ''), 'base64')
  const content = elementsOf(der, elementAt(der, elementAt(der, 0).contentAt))
  const [, issuer, thisUpdate, nextUpdate] = content[0]?.tag === INTEGER ? content.slice(1) : content
  const issuerBytes = der.subarray(issuer?.at, issuer?.endAt)
  const authority = pemBlocks(ca, CERTIFICATE_LABELS)
    .map((pem) => new X509Certificate(pem))
    .find(({ raw }) => raw.includes(issuerBytes))
  return {
    role: 'crl',
    file,
    subject: (authority?.subject ?? 'unknown').split('\n').join(', '),
    serial: '',
    fingerprint: createHash('sha256').update(der).digest('hex'),
    notBeforeMs: timeOf(der, thisUpdate) ?? 0,
    notAfterMs: timeOf(der, nextUpdate) ?? Number.POSITIVE_INFINITY,
  }
}

function elementAt(der: Buffer, at: number): Element {
  const first = der[at + 1] ?? 0
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  const contentAt = at + 2 + lengthBytes
  const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes)
  return { tag: der[at] ?? 0, at, contentAt, endAt: contentAt + length }
}

function elementsOf(der: Buffer, parent: Element): Element[] {
  const elements: Element[] = []
  for (let at = parent.contentAt; at < parent.endAt; ) {
    const element = elementAt(der, at)
    elements.push(element)
    at = element.endAt
  }
  return elements
}

function timeOf(der: Buffer, element: Element | undefined): number | undefined {
  if (element?.tag !== UTC_TIME && element?.tag !== GENERALIZED_TIME) return undefined
  const text = der.toString('latin1', element.contentAt, element.endAt)
  // Years of two digits: RFC 5280 §4.1.2.5.1.
  const century = text.startsWith('5') || /^[6-9]/.test(text) ? '19' : '20'
  const full = element.tag === UTC_TIME ? `${century}${text}` : text
  const [, year, month, day, hour, minute, second] = /^(....)(..)(..)(..)(..)(..)Z$/.exec(full) ?? []
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}
