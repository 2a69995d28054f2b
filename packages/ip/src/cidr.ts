import { type Address, FAMILY_BITS, formatAddress, MAPPED_PREFIX, parseAddress } from './address.js'
import { AddressError } from './address-error.js'

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

const MAPPED_PREFIX_BITS = 96

/**
 * Reads `ADDRESS/LENGTH`. IPv4 has four decimal parts, IPv6 no zone. A range inside `::ffff:0:0/96` (IPv4-mapped, RFC 4291
 * §2.5.5.2) becomes the IPv4 range that it names; that /96 itself, and what is wider, stays IPv6.
 *
 * @throws AddressError ERR_CIDR_INVALID, or ERR_CIDR_HOST_BITS where bits behind the prefix are set
 */
export function parseCidr(text: string): Cidr {
  const { family, value, prefixLength } = parseAddressWithPrefix(text)
  const cidr = makeCidr(family, value, prefixLength)
  if (cidr.first !== value) {
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

/** An address and the prefix length of its network. */
interface AddressWithPrefix extends Address {
  readonly prefixLength: number
}

/**
 * Reads `ADDRESS/LENGTH` as `parseCidr` does, but host bits may be set and IPv4-mapped IPv6 stays IPv6.
 * @throws AddressError ERR_CIDR_INVALID
 */
export function parseAddressWithPrefix(text: string): AddressWithPrefix {
  const [addressText = '', prefixText, ...rest] = text.split('/')
  const address = parseAddress(addressText)
  if (address === undefined || prefixText === undefined || rest.length > 0) {
    throw new AddressError('ERR_CIDR_INVALID', `CIDR ${quote(text)} is not valid, expected ADDRESS/LENGTH`)
  }
  const maxPrefixLength = FAMILY_BITS[address.family]
  const prefixLength = /^(?:0|[1-9]\d{0,2})$/.test(prefixText) ? Number(prefixText) : Number.NaN
  if (!(prefixLength <= maxPrefixLength)) {
    throw new AddressError(
      'ERR_CIDR_INVALID',
      `CIDR ${quote(text)} has prefix length ${quote(prefixText)}, expected 0 to ${maxPrefixLength}`,
    )
  }
  return { ...address, prefixLength }
}

/** The network that an address with its prefix length is in. @throws AddressError ERR_CIDR_INVALID */
export function networkAround(text: string): Cidr {
  const { family, value, prefixLength } = parseAddressWithPrefix(text)
  return makeCidr(family, value, prefixLength)
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

function isMapped(cidr: Cidr): boolean {
  return cidr.family === 6 && cidr.prefixLength > MAPPED_PREFIX_BITS && cidr.first >> 32n === MAPPED_PREFIX
}

// Whatever an operator typed, it goes on one line of a terminal or log.
function quote(text: string): string {
  return /^[\w.:/%-]{1,64}$/.test(text) ? text : JSON.stringify(text.slice(0, 64))
}
