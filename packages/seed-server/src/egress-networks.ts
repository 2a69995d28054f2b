import type { TargetNetworks, TransferAddresses } from '@reversed-vpn/egress-proxy'
import {
  allNetworks,
  CidrSet,
  FORBIDDEN_DESTINATIONS,
  type ShootNetworks,
  type TransferAddress,
} from '@reversed-vpn/ip'
import type { SeedServerOptions } from './options.js'

/** Where connections into the shoot come from. */
export function transferAddresses(
  device: string,
  seedAddresses: readonly TransferAddress[],
): TransferAddresses {
  const addressOf = (family: 4 | 6) => seedAddresses.find((transfer) => transfer.family === family)?.address
  return { device, ipv4: addressOf(4), ipv6: addressOf(6) }
}

/** Where they may go. @param transferNetworks see {@link transferNetworksOf} */
export function egressNetworks(networks: ShootNetworks, transferNetworks: readonly string[]): TargetNetworks {
  return {
    allowed: CidrSet.of(allNetworks(networks)),
    refused: CidrSet.of([...FORBIDDEN_DESTINATIONS, ...transferNetworks]),
  }
}

/** The networks of the tunnel itself. Without packets nobody has an address of these. */
export function transferNetworksOf({
  carry,
  vpnNetwork,
}: Pick<SeedServerOptions, 'carry' | 'vpnNetwork'>): readonly string[] {
  return carry === 'streams' ? [] : vpnNetwork
}
