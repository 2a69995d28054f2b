import { AddressError } from './address-error.js'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './address-text.js'

/** Addresses that share their first `prefixLength` bits. */
export interface Cidr {
  readonly family: 4 | 6
  /** The first address as one number of 32 or 128 bits. */
  readonly first: bigint
  /** The last address. */
  readonly last: bigint
  /** 0 to 32 or 0 to 128. */
  readonly prefixLength: number
  /** Canonical text, IPv6 as in RFC 5952. */
  readonly text: string
}

/** One address as a number. */
interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

const FAMILY_BITS = { 4: 32, 6: 128 } as const
const MAPPED_PREFIX_BITS = 96
const MAPPED_PREFIX = 0xffffn

/**
 * Reads `ADDRESS/LENGTH`. IPv4 has four decimal parts, IPv6 no zone. A range inside `::ffff:0:0/96` (IPv4-mapped, RFC 4291
 * §2.5.5.2) becomes the IPv4 range that it names; that /96 itself, and what is wider, stays IPv6.
 *
 * @throws AddressError ERR_CIDR_INVALID, or ERR_CIDR_HOST_BITS where bits behind the prefix are set
 */
export function parseCidr(text: string): Cidr {
  const [addressText, prefixText, ...rest] = text.split('/')
  const address = parseAddress(addressText ?? '')
  if (address === undefined || prefixText === undefined || rest.length > 0) {
    throw new AddressError('ERR_CIDR_INVALID', `CIDR ${quote(text)} is not valid, expected ADDRESS/LENGTH`)
  }
  const prefixLength = readPrefixLength(prefixText)
  const maxPrefixLength = FAMILY_BITS[address.family]
  if (!(prefixLength <= maxPrefixLength)) {
    throw new AddressError(
      'ERR_CIDR_INVALID',
      `CIDR ${quote(text)} has prefix length ${quote(prefixText)}, expected 0 to ${maxPrefixLength}`,
    )
  }
  const cidr = makeCidr(address.family, address.value, prefixLength)
  if (cidr.first !== address.value) {
    throw new AddressError('ERR_CIDR_HOST_BITS', `CIDR ${text} has host bits set, expected ${cidr.text}`)
  }
  return isMapped(cidr) ? makeCidr(4, cidr.first & 0xffff_ffffn, prefixLength - MAPPED_PREFIX_BITS) : cidr
}

/**
 * Reads a CIDR that names a network behind the tunnel: any but /0, which would take all traffic of the machine.
 *
 * @throws AddressError as `parseCidr`, and ERR_CIDR_INVALID for a prefix length of zero
 */
export function parseNetworkCidr(text: string): Cidr {
  const cidr = parseCidr(text)
  if (cidr.prefixLength === 0) {
    throw new AddressError(
      'ERR_CIDR_INVALID',
      `network ${text} has prefix length 0, expected 1 to ${FAMILY_BITS[cidr.family]}`,
    )
  }
  return cidr
}

/**
 * Whether that is `ADDRESS/LENGTH`, as `parseCidr` takes it, but host bits may be set: an address and the size of its network.
 */
export function isAddressWithPrefix(text: string): boolean {
  const [addressText, prefixText, ...rest] = text.split('/')
  const address = parseAddress(addressText ?? '')
  if (address === undefined || prefixText === undefined || rest.length > 0) return false
  return readPrefixLength(prefixText) <= FAMILY_BITS[address.family]
}

/** Reads one address, IPv4-mapped IPv6 as the IPv4 address it names. `undefined` for anything else, a zone included. */
export function parseAddressNormalized(text: string): Address | undefined {
  const address = parseAddress(text)
  if (address === undefined || address.family === 4) return address
  return address.value >> 32n === MAPPED_PREFIX ? { family: 4, value: address.value & 0xffff_ffffn } : address
}

/**
 * The one spelling of an address (IPv6 as in RFC 5952), IPv4-mapped IPv6 as IPv4. `undefined` for anything else, a zone included.
 */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddressNormalized(text)
  return address && formatAddress(address)
}

/** The CIDR of that length that holds the address. */
export function makeCidr(family: 4 | 6, address: bigint, prefixLength: number): Cidr {
  const hostBits = BigInt(FAMILY_BITS[family] - prefixLength)
  const first = (address >> hostBits) << hostBits
  const last = first + (1n << hostBits) - 1n
  return {
    family,
    first,
    last,
    prefixLength,
    text: `${formatAddress({ family, value: first })}/${prefixLength}`,
  }
}

function readPrefixLength(text: string): number {
  return /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : Number.NaN
}

function isMapped(cidr: Cidr): boolean {
  return cidr.family === 6 && cidr.prefixLength > MAPPED_PREFIX_BITS && cidr.first >> 32n === MAPPED_PREFIX
}

/** Reads one address as it is: IPv4-mapped IPv6 stays IPv6. `undefined` for anything else, a zone included. */
export function parseAddress(text: string): Address | undefined {
  const ipv4 = parseIpv4(text)
  if (ipv4 !== undefined) return { family: 4, value: ipv4 }
  const ipv6 = parseIpv6(text)
  return ipv6 === undefined ? undefined : { family: 6, value: ipv6 }
}

/** Canonical text, IPv6 as in RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  return family === 4 ? formatIpv4(value) : formatIpv6(value)
}

// What an operator typed goes on one line of a terminal or log, whatever it holds.
function quote(text: string): string {
  return /^[\w.:/%-]{1,64}$/.test(text) ? text : JSON.stringify(text.slice(0, 64))
}
