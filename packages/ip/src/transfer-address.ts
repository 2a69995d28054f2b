import { FAMILY_BITS, formatAddress, MAPPED_PREFIX } from './address.js'
import { AddressError } from './address-error.js'
import { makeCidr, parseAddressWithPrefix, parseCidr } from './cidr.js'
import { CidrSet } from './cidr-set.js'
import { allNetworks, type ShootNetworks } from './shoot-networks.js'

/** An end of the tunnel in one transfer network. */
export interface TransferAddress {
  readonly family: 4 | 6
  /** `192.168.123.1` */
  readonly address: string
  /** `192.168.123.0/24` */
  readonly network: string
  /** `192.168.123.1/24`, as it is announced and given to the interface. */
  readonly cidr: string
}

/** Where the two ends of the tunnel are unless something else is said: one network of a family. */
export const DEFAULT_TRANSFER_NETWORKS = '192.168.123.0/24,fd8f:6d53:b97a:1::/112'

/** A transfer network needs room for two; what is wider than this would take addresses that others use. */
const MIN_PREFIX_LENGTH = { 4: 16, 6: 48 } as const

/** The seed side's address in a transfer network, its first, or the shoot side's, its second. */
export function transferAddressOf(network: string, side: 'seed' | 'shoot'): TransferAddress {
  const { family, first, prefixLength, text } = parseCidr(network)
  if (FAMILY_BITS[family] - prefixLength < 2) {
    const limit = FAMILY_BITS[family] - 2
    throw new AddressError(
      'ERR_CIDR_INVALID',
      `transfer network ${text} has no room for two hosts, expected /${limit} or shorter`,
    )
  }
  if (prefixLength < MIN_PREFIX_LENGTH[family]) {
    const limit = MIN_PREFIX_LENGTH[family]
    throw new AddressError(
      'ERR_CIDR_INVALID',
      `transfer network ${text} is too wide, expected /${limit} or longer`,
    )
  }
  const address = formatAddress({ family, value: first + (side === 'seed' ? 1n : 2n) })
  return { family, address, network: text, cidr: `${address}/${prefixLength}` }
}

/** What is wrong with transfer networks beside the shoot's networks, in a few words; `undefined` when they will do. */
export function findTransferProblem(
  transferNetworks: readonly string[],
  networks: ShootNetworks,
): string | undefined {
  const families = transferNetworks.map((network) => transferAddressOf(network, 'seed').family)
  if (families.length === 0 || new Set(families).size < families.length) {
    return 'expected one network of a family, at least one'
  }
  const overlaps = CidrSet.of(transferNetworks).overlaps(CidrSet.of(allNetworks(networks)))
  return overlaps ? "overlaps one of the shoot's networks" : undefined
}

/**
 * Reads an address with prefix length, as WELCOME announces it.
 * @throws AddressError ERR_CIDR_INVALID
 */
export function parseTransferAddress(cidr: string): TransferAddress {
  const { family, value, prefixLength } = parseAddressWithPrefix(cidr)
  const isMapped = family === 6 && value >> 32n === MAPPED_PREFIX
  const minLength = MIN_PREFIX_LENGTH[family]
  if (prefixLength < minLength || isMapped) {
    const expected = isMapped
      ? 'an IPv4 address as such'
      : `prefix length ${minLength} to ${FAMILY_BITS[family]}`
    throw new AddressError('ERR_CIDR_INVALID', `transfer address ${cidr}, expected ${expected}`)
  }
  const address = cidr.slice(0, cidr.indexOf('/'))
  return { family, address, network: makeCidr(family, value, prefixLength).text, cidr }
}
