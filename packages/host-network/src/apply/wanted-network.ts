import { renderSeedRuleset } from '../firewall/seed-ruleset.js'
import { renderShootRuleset } from '../firewall/shoot-ruleset.js'
import type { Forwarding } from '../kernel/forwarding.js'
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
  /** Families of which packets are forwarded. */
  readonly forwarding: readonly Forwarding[]
}

/** @throws NetworkError ERR_NETWORK_PLAN_INVALID */
export function wantSeedNetwork(input: SeedNetworkPlan): WantedNetwork {
  const plan = resolveSeedPlan(input)
  return {
    side: 'seed',
    plan,
    ruleset: renderSeedRuleset(plan),
    links: seedLinks(plan),
    forwarding: seedForwarding(plan),
  }
}

/** @throws NetworkError ERR_NETWORK_PLAN_INVALID */
export function wantShootNetwork(input: ShootNetworkPlan): WantedNetwork {
  const plan = resolveShootPlan(input)
  return {
    side: 'shoot',
    plan,
    ruleset: renderShootRuleset(plan),
    links: shootLinks(plan),
    forwarding: shootForwarding(plan),
  }
}

/** For callers that are routed here; a CONNECT is answered by a socket of this machine, and needs none. */
function seedForwarding({
  tun,
  families,
  routedFrom: { interfaces, networks },
}: ResolvedSeedPlan): Forwarding[] {
  return families
    .map(({ family }) => ({ family, tun, networks: networks[family], interfaces }))
    .filter((forwarding) => forwarding.networks.length > 0 || interfaces.length > 0)
}

function shootForwarding({ tun, families, egressInterface }: ResolvedShootPlan): Forwarding[] {
  const isAuto = egressInterface === 'auto'
  const interfaces = isAuto ? [] : [egressInterface]
  return families.map(({ family, networks }) => ({
    family,
    tun,
    networks: isAuto ? networks : [],
    interfaces,
  }))
}
