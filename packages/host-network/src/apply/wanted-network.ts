import { renderSeedRuleset } from '../firewall/seed-ruleset.js'
import { renderShootRuleset } from '../firewall/shoot-ruleset.js'
import type {
  ResolvedSeedPlan,
  ResolvedShootPlan,
  SeedNetworkPlan,
  ShootNetworkPlan,
} from '../plan/network-plan.js'
import { resolveSeedPlan, resolveShootPlan } from '../plan/resolve-plan.js'
import { seedLinks, shootLinks, type WantedLinks } from '../routes/wanted-links.js'

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
