import { canonicalAddress } from '@reversed-vpn/ip'
import { EgressRefusal } from './egress-refusal.js'

/** A set of IP addresses, such as `CidrSet` of the ip package. `has` takes a canonical address. */
interface AddressSet {
  has(address: string): boolean
}

/** Where callers may go: what lies in `allowed` and not in `refused`. */
export interface EgressNetworks {
  readonly allowed: AddressSet
  readonly refused: AddressSet
}

/** Whether that address may be dialled. Whatever is not an address may not. */
export function isPermitted(networks: EgressNetworks, text: string): boolean {
  const address = canonicalAddress(text)
  return address !== undefined && networks.allowed.has(address) && !networks.refused.has(address)
}

/**
 * Those of `addresses` that may be dialled, canonical and in the same order; whatever is not an address falls out.
 *
 * @param host what the caller asked for, named in the refusal
 * @throws EgressRefusal `prohibited` when none is left
 */
export function permittedAddresses(
  networks: EgressNetworks,
  host: string,
  addresses: readonly string[],
): readonly string[] {
  const permitted = new Set(
    addresses.filter((text) => isPermitted(networks, text)).flatMap((text) => canonicalAddress(text) ?? []),
  )
  if (permitted.size === 0) throw new EgressRefusal('prohibited', `${host} is outside the shoot's networks`)
  return [...permitted]
}
