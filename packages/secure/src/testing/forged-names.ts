/** Extension lines for `Authority.issue`: to a careless reader, a certificate for `own` then has another name. */
export function forgedNames(
  own: string,
  forgery: { readonly pem: string; readonly name: string },
): Record<string, string> {
  const text = `\n${forgery.pem}\n`
  return {
    'a certificate as PEM in an extension': `subjectAltName=DNS:${own}\n1.3.6.1.4.1.55555.1=DER:${hex(tlv(OCTETS, text))}`,
    'a certificate as PEM in a URI': `subjectAltName=DER:${hex(altNames(own, `https://x/${text}`))}`,
    'a second DNS name in a URI': `subjectAltName=DER:${hex(altNames(own, `https://x/, DNS:${forgery.name}, x`))}`,
    'a second DNS name in the first': `subjectAltName=DER:${hex(tlv(SEQUENCE, tlv(DNS, `${own}, DNS:${forgery.name}, x`)))}`,
  }
}

const OCTETS = 0x04
const SEQUENCE = 0x30
/** Of `GeneralName` (RFC 5280 §4.2.1.6). */
const DNS = 0x82
const URI = 0x86

function altNames(dns: string, uri: string): Buffer {
  return tlv(SEQUENCE, Buffer.concat([tlv(DNS, dns), tlv(URI, uri)]))
}

/** One DER element, shorter than 64 KiB. */
function tlv(tag: number, content: string | Buffer): Buffer {
  const value = Buffer.from(content as string)
  return Buffer.concat([
    Buffer.from([tag, 0x82, value.length >> 8, value.length & 0xff]).subarray(0, 4),
    value,
  ])
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex')
}
