import { canonicalAddress } from '@reversed-vpn/ip'
import { TargetRefusal } from './target-refusal.js'

/** A set of IP addresses, such as `CidrSet` of the ip package. `has` takes a canonical address. */
interface AddressSet {
  has(address: string): boolean
}

/** Which targets may be dialled: what lies in `allowed` and not in `refused`. */
export interface TargetNetworks {
  readonly allowed: AddressSet
  readonly refused: AddressSet
}

/** Whether that address may be dialled. Whatever is not an address may not. */
export function isPermitted(networks: TargetNetworks, text: string): boolean {
  return permittedAddress(networks, text) !== undefined
}

/**
 * Those of `addresses` that may be dialled, canonical and in the same order; whatever is not an address falls out.
 *
 * @param host what the caller asked for, named in the refusal
 * @throws TargetRefusal `prohibited` when none is left
 */
export function permittedAddresses(
  networks: TargetNetworks,
  host: string,
  addresses: readonly string[],
): readonly string[] {
  const permitted = new Set(addresses.flatMap((text) => permittedAddress(networks, text) ?? []))
  if (permitted.size === 0) throw new TargetRefusal('prohibited', `${host} is outside the shoot's networks`)
  return [...permitted]
}

/** That address, canonical, if it may be dialled. */
function permittedAddress({ allowed, refused }: TargetNetworks, text: string): string | undefined {
  const address = canonicalAddress(text)
  return address !== undefined && allowed.has(address) && !refused.has(address) ? address : undefined
}
