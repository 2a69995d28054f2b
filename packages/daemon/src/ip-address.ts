import ipaddr from 'ipaddr.js'

/**
 * Reads an IP address. ipaddr.js takes `::192.0.2.1` for IPv4-mapped, `::ffff:192.0.2.1`, which is another address (RFC 4291 §2.5.5);
 * here each is what it is.
 *
 * @throws Error for anything else
 */
export function parseIpAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 {
  return ipaddr.parse(text.replace(/^::(?=\d+\.)/, '0:0:0:0:0:0:'))
}

/** As {@link parseIpAddress}; an IPv4-mapped address becomes the IPv4 address that it names. */
export function parseIpAddressNormalized(text: string): ipaddr.IPv4 | ipaddr.IPv6 {
  const address = parseIpAddress(text)
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()) return address.toIPv4Address()
  return address
}
