import { ownedNumber } from '../owned-names.js'
import type {
  FamilyPlan,
  ResolvedLinkPlan,
  ResolvedSeedPlan,
  ResolvedShootPlan,
} from '../plan/network-plan.js'
import {
  fallbackRoute,
  type OwnedRoute,
  type OwnedRule,
  renderRoute,
  renderRule,
  tunRoute,
} from './owned-route.js'

/** Addresses, routes and rules that one side wants. */
export interface WantedLinks {
  readonly tun: string
  readonly mtu: number
  readonly txQueueLength: number
  /** With prefix length. */
  readonly addresses: readonly string[]
  /** In force while the TUN is down or gone. */
  readonly fallbacks: readonly OwnedRoute[]
  readonly rules: readonly OwnedRule[]
  readonly tunRoutes: readonly OwnedRoute[]
}

/**
 * The seed routes the shoot's networks into the TUN, twice: in the main table for any caller, and in a table of its own for
 * sockets bound to the transfer address, where no other route of the machine can win.
 */
export function seedLinks(plan: ResolvedSeedPlan): WantedLinks {
  const { tun, families } = plan
  const table = String(ownedNumber(tun))
  return {
    ...common(plan),
    addresses: families.map(({ seedAddress, prefixLength }) => `${seedAddress}/${prefixLength}`),
    fallbacks: families.flatMap(({ family, networks, transferNetwork }) => [
      ...[...networks, transferNetwork].map((network) => fallbackRoute('blackhole', tun, family, network)),
      ...networks.map((network) => fallbackRoute('blackhole', tun, family, network, table)),
      fallbackRoute('unreachable', tun, family, 'default', table),
    ]),
    rules: families.map(({ family, seedAddress }) => ({ family, from: seedAddress, table })),
    tunRoutes: families.flatMap((family) => seedTunRoutes(tun, table, family)),
  }
}

function seedTunRoutes(tun: string, table: string, plan: FamilyPlan): OwnedRoute[] {
  const { family, networks, seedAddress, transferNetwork } = plan
  return [
    ...[...networks, transferNetwork].map((network) => tunRoute(tun, family, network, seedAddress)),
    ...networks.map((network) => tunRoute(tun, family, network, seedAddress, table)),
    // The shoot-client's own ICMP errors come from its transfer address; a strict rp_filter looks it up in this table.
    tunRoute(tun, family, transferNetwork, seedAddress, table),
  ]
}

/** The shoot side has one route into the TUN, to the transfer network. One comes with the address; this one we know as ours. */
export function shootLinks(plan: ResolvedShootPlan): WantedLinks {
  const { tun, families } = plan
  return {
    ...common(plan),
    addresses: families.map(({ shootAddress, prefixLength }) => `${shootAddress}/${prefixLength}`),
    fallbacks: families.map(({ family, transferNetwork }) =>
      fallbackRoute('blackhole', tun, family, transferNetwork),
    ),
    rules: [],
    tunRoutes: families.map(({ family, transferNetwork, shootAddress }) =>
      tunRoute(tun, family, transferNetwork, shootAddress),
    ),
  }
}

/** All routes and rules among them. */
export function ownedIn({ fallbacks, tunRoutes, rules }: WantedLinks) {
  return { routes: [...fallbacks, ...tunRoutes], rules }
}

/** Lines for `ip -4 -batch` or `ip -6 -batch` (a rule's family cannot be said otherwise), before the link is up. */
export function renderFallbackLines(
  links: WantedLinks,
  family: 4 | 6,
  missingRules: readonly OwnedRule[] = links.rules,
): string[] {
  return [
    ...links.fallbacks
      .filter((route) => route.family === family)
      .map((route) => `route replace ${renderRoute(route)}`),
    ...missingRules.filter((rule) => rule.family === family).map((rule) => `rule add ${renderRule(rule)}`),
  ]
}

/**
 * Lines for `ip -batch`, in order: up with its addresses on, then the routes, which need it up.
 *
 * @param hasIpv6 whether the kernel knows IPv6 at all
 */
export function renderLinkLines(links: WantedLinks, hasIpv6: boolean): string[] {
  const { tun } = links
  return [
    // Without a link-local address there is no router solicitation and no multicast report from the TUN.
    `link set dev ${tun} mtu ${links.mtu} txqueuelen ${links.txQueueLength}${hasIpv6 ? ' addrgenmode none' : ''}`,
    ...links.addresses.map(
      (address) => `address replace ${address} dev ${tun}${address.includes(':') ? ' nodad' : ''}`,
    ),
    `link set dev ${tun} up`,
    ...links.tunRoutes.map((route) => `route replace ${renderRoute(route)}`),
  ]
}

function common({ tun, mtu, txQueueLength }: ResolvedLinkPlan) {
  return { tun, mtu, txQueueLength }
}
