import { checkConflicts } from './conflict-guard.js'
import { listOccupiedAddresses } from './host-network.js'
import type {
  ResolvedSeedPlan,
  ResolvedShootPlan,
  SeedNetworkPlan,
  ShootNetworkPlan,
} from './network-plan.js'
import { resolveSeedPlan, resolveShootPlan } from './resolve-plan.js'
import { renderSeedRuleset } from './seed-ruleset.js'
import { renderShootRuleset } from './shoot-ruleset.js'
import { seedLinks, shootLinks, type WantedLinks } from './wanted-links.js'

/** A plan of either side with all it comes to on the machine. */
export type WantedNetwork = (
  | { readonly side: 'seed'; readonly plan: ResolvedSeedPlan }
  | { readonly side: 'shoot'; readonly plan: ResolvedShootPlan }
) & {
  /** Script for nft. */
  readonly ruleset: string
  readonly links: WantedLinks
}

/** @throws NetworkError ERR_NETWORK_PLAN_INVALID */
export function wantSeedNetwork(input: SeedNetworkPlan): WantedNetwork {
  const plan = resolveSeedPlan(input)
  return { side: 'seed', plan, ruleset: renderSeedRuleset(plan), links: seedLinks(plan) }
}

/** @throws NetworkError ERR_NETWORK_PLAN_INVALID */
export function wantShootNetwork(input: ShootNetworkPlan): WantedNetwork {
  const plan = resolveShootPlan(input)
  return { side: 'shoot', plan, ruleset: renderShootRuleset(plan), links: shootLinks(plan) }
}

/**
 * Refuses what would cut this machine off. The shoot's networks hold its own addresses, gateway and name servers as a rule,
 * so on that side only the transfer network is looked at.
 *
 * @throws NetworkError ERR_NETWORK_CONFLICT
 */
export async function checkOccupied({ side, plan }: WantedNetwork): Promise<void> {
  const occupied = await listOccupiedAddresses(plan.tun)
  if (side === 'seed') {
    const peers = plan.peerAddresses.map((address) => ({ address, what: "address of the tunnel's peer" }))
    checkConflicts(plan.networks, [...occupied, ...peers])
  } else {
    const routed = plan.networks.filter(({ kind }) => kind === 'transfer')
    checkConflicts(routed, occupied)
  }
}
