import { CidrSet } from '@reversed-vpn/ip'
import {
  type ConnectedNetwork,
  listConnectedNetworks,
  listOccupiedAddresses,
  type OccupiedAddress,
} from '../kernel/occupied-addresses.js'
import { NetworkError } from '../network-error.js'
import type { NamedNetwork } from '../plan/network-plan.js'
import type { WantedNetwork } from './wanted-network.js'

/**
 * Refuses what would cut this machine off. The shoot's networks hold its own addresses, gateway and name servers as a rule,
 * so on that side only the transfer network is looked at.
 *
 * @throws NetworkError ERR_NETWORK_CONFLICT
 */
export async function checkOccupied({ side, plan }: WantedNetwork): Promise<void> {
  const occupied = await listOccupiedAddresses(plan.tun)
  const transfer = plan.networks.filter(({ kind }) => kind === 'transfer')
  if (side === 'seed') {
    const peers = plan.peerAddresses.map((address) => ({ address, what: "address of the tunnel's peer" }))
    checkConflicts(plan.networks, [...occupied, ...peers])
  } else {
    checkConflicts(transfer, occupied)
  }
  checkConnected(transfer, await listConnectedNetworks(plan.tun))
}

/**
 * Refuses networks that share an address with one that an interface is in: its hosts could not be reached any more.
 *
 * @throws NetworkError ERR_NETWORK_CONFLICT
 */
export function checkConnected(
  networks: readonly NamedNetwork[],
  connected: readonly ConnectedNetwork[],
): void {
  for (const { kind, cidr } of networks) {
    const set = CidrSet.of([cidr])
    const conflict = connected.find((other) => set.overlaps(CidrSet.of([other.cidr])))
    if (conflict !== undefined) {
      throw new NetworkError(
        'ERR_NETWORK_CONFLICT',
        `${kind} network ${cidr} overlaps ${conflict.cidr}, the network of ${conflict.interface}`,
      )
    }
  }
}

/**
 * Refuses networks whose route would cut this machine off from itself, its gateway, its name servers or the tunnel's peer.
 *
 * @throws NetworkError ERR_NETWORK_CONFLICT that names the network, the address and where it is in use
 */
export function checkConflicts(
  networks: readonly NamedNetwork[],
  occupied: readonly OccupiedAddress[],
): void {
  for (const { kind, cidr } of networks) {
    const set = CidrSet.of([cidr])
    const conflict = occupied.find(({ address }) => set.has(address))
    if (conflict !== undefined) {
      throw new NetworkError(
        'ERR_NETWORK_CONFLICT',
        `${kind} network ${cidr} covers ${conflict.address}, ${conflict.what}`,
      )
    }
  }
}
