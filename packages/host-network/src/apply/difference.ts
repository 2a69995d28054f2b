import { readFirewall } from '../firewall/read-firewall.js'
import { findForwardingOff } from '../kernel/forwarding.js'
import { readTunLink, type TunLink } from '../kernel/tun-link.js'
import { renderRoute, renderRule } from '../routes/owned-route.js'
import { readOwnedState, without } from '../routes/owned-state.js'
import { ownedIn } from '../routes/wanted-links.js'
import type { WantedNetwork } from './wanted-network.js'

/** What a network of ours is made of. */
export const NETWORK_OBJECTS = ['interface', 'address', 'route', 'rule', 'firewall', 'sysctl'] as const
type NetworkObject = (typeof NETWORK_OBJECTS)[number]

/** Something that is not on this machine as it is wanted. */
export interface NetworkDifference {
  readonly object: NetworkObject
  /** Part of a sentence: `there is no route "…"`. */
  readonly words: string
  /** There is nothing left that could be put in order. */
  readonly isFinal?: boolean
}

/**
 * All that is not as wanted, causes before effects. Changes nothing.
 *
 * @param firewall what `readFirewall` said when it was put in place
 * @throws NetworkError as `runTool`
 */
export async function findDifferences(
  wanted: WantedNetwork,
  firewall: string | undefined,
): Promise<NetworkDifference[]> {
  const { plan } = wanted
  const link = await readTunLink(plan.tun)
  if (link === undefined) return [{ object: 'interface', words: 'it is gone', isFinal: true }]
  const differences = await Promise.all([
    findLinkDifferences(wanted, link),
    findRouteDifferences(wanted),
    findFirewallDifferences(plan.tun, firewall),
    findForwardingDifferences(wanted),
  ])
  return differences.flat()
}

/** Of the interface itself and its addresses. */
export function findLinkDifferences({ plan, links }: WantedNetwork, link: TunLink): NetworkDifference[] {
  const [here, wanted] = [link.addresses, links.addresses].map((list) => list.toSorted().join(', '))
  const differences: (NetworkDifference | false)[] = [
    link.mtu !== plan.mtu && { object: 'interface', words: `its MTU is ${link.mtu}, expected ${plan.mtu}` },
    // A longer one is somebody's choice.
    link.txQueueLength < links.txQueueLength && {
      object: 'interface',
      words: `its queue holds ${link.txQueueLength} packets, expected ${links.txQueueLength}`,
    },
    here !== wanted && {
      object: 'address',
      words: `its addresses are ${here || 'none'}, expected ${wanted}`,
    },
    !link.isUp && { object: 'interface', words: 'it is down' },
  ]
  return differences.filter((difference) => difference !== false)
}

/** Of routes and rules: those that are missing. */
export async function findRouteDifferences({ plan, links }: WantedNetwork): Promise<NetworkDifference[]> {
  const missing = without(ownedIn(links), await readOwnedState(plan.tun))
  return [
    ...missing.routes.map(
      (route): NetworkDifference => ({ object: 'route', words: `there is no route "${renderRoute(route)}"` }),
    ),
    ...missing.rules.map(
      (rule): NetworkDifference => ({ object: 'rule', words: `there is no rule "${renderRule(rule)}"` }),
    ),
  ]
}

/** Of what lets this machine forward. */
export async function findForwardingDifferences({ forwarding }: WantedNetwork): Promise<NetworkDifference[]> {
  const names = await findForwardingOff(forwarding)
  return names.map((name) => ({ object: 'sysctl', words: `${name} is off, expected 1` }))
}

async function findFirewallDifferences(
  tun: string,
  firewall: string | undefined,
): Promise<NetworkDifference[]> {
  const here = await readFirewall(tun)
  if (here === firewall) return []
  const words = here === undefined ? 'its firewall is gone' : 'its firewall was changed'
  return [{ object: 'firewall', words }]
}
