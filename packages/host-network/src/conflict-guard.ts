import { CidrSet } from '@reversed-vpn/ip'
import type { OccupiedAddress } from './host-network.js'
import { NetworkError } from './network-error.js'
import type { NamedNetwork, ResolvedLinkPlan } from './network-plan.js'

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

/** The seed side's check of a tunnel peer that is known only once it is connected. @throws NetworkError as `checkConflicts` */
export function checkPeerAddress(plan: ResolvedLinkPlan, address: string): void {
  checkConflicts(plan.networks, [{ address, what: "address of the tunnel's peer" }])
}
