import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** A network, and the addresses from its first to its last. */
export interface Cidr {
  readonly family: 4 | 6
  /** As it is usually written: `fd00::/64`. */
  readonly text: string
  readonly first: bigint
  readonly last: bigint
}

const EXPECTED = 'expected ADDRESS/LENGTH without host bits, such as 10.0.0.0/16 or fd00::/64'

/** @throws Error whose message says what is wrong and what is expected */
export function parseCidr(text: string): Cidr {
  const [address = '', length = '', ...rest] = text.split('/')
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined
  if (family === undefined || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length))
    throw new Error(`${JSON.stringify(text)}, ${EXPECTED}`)
  const bits = family === 4 ? 32 : 128
  const prefixLength = Number(length)
  if (prefixLength > bits) throw new Error(`${text}: a prefix of ${length} bits, expected at most ${bits}`)
  if (prefixLength === 0) throw new Error(`${text} covers every address, expected a network of the shoot`)
  const parsed = ipaddr.parse(address)
  const value = BigInt(`0x${Buffer.from(parsed.toByteArray()).toString('hex')}`)
  const hostBits = BigInt(bits - prefixLength)
  const first = (value >> hostBits) << hostBits
  if (first !== value) throw new Error(`${text} has host bits, expected ${formatNetwork(parsed, text)}`)
  return {
    family,
    text: `${parsed.toString()}/${prefixLength}`,
    first,
    last: first + (1n << hostBits) - 1n,
  }
}

export function overlaps(left: Cidr, right: Cidr): boolean {
  return left.family === right.family && left.first <= right.last && right.first <= left.last
}

function formatNetwork(address: ipaddr.IPv4 | ipaddr.IPv6, text: string): string {
  const kind = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  return `${kind.networkAddressFromCIDR(text).toString()}/${text.split('/')[1]}`
}
