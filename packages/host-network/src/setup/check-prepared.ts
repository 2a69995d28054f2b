import type { UpdatableNetwork } from '../apply/apply-network.js'
import { type WantedNetwork, wantSeedNetwork, wantShootNetwork } from '../apply/wanted-network.js'
import { findForwardingOff } from '../kernel/forwarding.js'
import { readTunLink, type TunLink } from '../kernel/tun-link.js'
import { NetworkError } from '../network-error.js'
import type { SeedNetworkPlan, ShootNetworkPlan } from '../plan/network-plan.js'
import { renderRoute, renderRule } from '../routes/owned-route.js'
import { readOwnedState, without } from '../routes/owned-state.js'
import { describeSources, markOf, markOn, type PlanMark } from './setup-mark.js'

/**
 * Checks that what `setup` left is what this plan wants, as far as can be seen without any capability; changes nothing.
 *
 * @returns what `applySeedNetwork` returns, but `close` does nothing, and `update` checks again, for the new plan
 * @throws NetworkError ERR_NETWORK_NOT_PREPARED that names the first difference
 */
export function checkPreparedSeedNetwork(plan: SeedNetworkPlan): Promise<UpdatableNetwork<SeedNetworkPlan>> {
  return keepChecked(plan, wantSeedNetwork)
}

/** The same for the shoot side. @throws NetworkError as `checkPreparedSeedNetwork` */
export function checkPreparedShootNetwork(
  plan: ShootNetworkPlan,
): Promise<UpdatableNetwork<ShootNetworkPlan>> {
  return keepChecked(plan, wantShootNetwork)
}

async function keepChecked<Plan>(
  first: Plan,
  want: (plan: Plan) => WantedNetwork,
): Promise<UpdatableNetwork<Plan>> {
  await checkPrepared(want(first))
  const close = () => Promise.resolve()
  const update = (plan: Plan) => checkPrepared(want(plan))
  return { warnings: [], update, close, [Symbol.asyncDispose]: close }
}

async function checkPrepared(wanted: WantedNetwork): Promise<void> {
  const { tun } = wanted.plan
  const difference = await findDifference(wanted)
  if (difference !== undefined) {
    throw new NetworkError(
      'ERR_NETWORK_NOT_PREPARED',
      `interface ${tun} is not set up for these options: ${difference}`,
    )
  }
}

/** Causes before effects: another address or network also means other routes. */
async function findDifference(wanted: WantedNetwork): Promise<string | undefined> {
  const { side, plan } = wanted
  const link = await readTunLink(plan.tun)
  const mark = markOn(link)
  if (link === undefined) return 'it is gone'
  if (mark === undefined) return 'it was not made by setup'
  if (mark.side !== side) return `it is for the ${mark.side} side, expected the ${side} side`
  if (mark.plan === undefined) return 'setup did not finish'
  return (
    findLinkDifference(wanted, link) ??
    findPlanDifference(wanted, mark.plan, markOf(wanted)) ??
    (await findRouteDifference(wanted)) ??
    (await findForwardingDifference(wanted))
  )
}

function findLinkDifference({ plan, links }: WantedNetwork, link: TunLink): string | undefined {
  if (link.mtu !== plan.mtu) return `its MTU is ${link.mtu}, expected ${plan.mtu}`
  const [here, wanted] = [link.addresses, links.addresses].map((list) => list.toSorted().join(', '))
  if (here !== wanted) return `its addresses are ${here || 'none'}, expected ${wanted}`
  return link.isUp ? undefined : 'it is down'
}

function findPlanDifference(network: WantedNetwork, here: PlanMark, wanted: PlanMark): string | undefined {
  const { side, plan } = network
  if (here.networks !== wanted.networks) {
    const named = plan.networks.filter(({ kind }) => kind !== 'transfer')
    return `it is not for the networks ${named.map(({ kind, cidr }) => `${cidr} (${kind})`).join(', ')}`
  }
  if (here.egress !== wanted.egress)
    return `its egress interface is ${here.egress}, expected ${wanted.egress}`
  if (here.ports !== wanted.ports) {
    return `its firewall protects the ports ${here.ports || 'none'}, expected ${wanted.ports || 'none'}`
  }
  if (side === 'seed' && here.routed !== wanted.routed) {
    const sources = describeSources(plan)
    return sources === ''
      ? 'it takes routed packets, expected none'
      : `it is not for packets routed from ${sources}`
  }
  return here.firewall === wanted.firewall ? undefined : 'its firewall was made by another version'
}

async function findRouteDifference({ plan, links }: WantedNetwork): Promise<string | undefined> {
  const wanted = { routes: [...links.fallbacks, ...links.tunRoutes], rules: links.rules }
  const missing = without(wanted, await readOwnedState(plan.tun))
  const [route] = missing.routes
  if (route !== undefined) return `there is no route "${renderRoute(route)}"`
  const [rule] = missing.rules
  return rule === undefined ? undefined : `there is no rule "${renderRule(rule)}"`
}

async function findForwardingDifference({ forwarding }: WantedNetwork): Promise<string | undefined> {
  const [name] = await findForwardingOff(forwarding)
  return name === undefined ? undefined : `${name} is off, expected 1`
}
