import type { UpdatableNetwork } from '../apply/apply-network.js'
import {
  findForwardingDifferences,
  findLinkDifferences,
  findRouteDifferences,
  type NetworkDifference,
} from '../apply/difference.js'
import { findDiversions } from '../apply/diversions.js'
import { findOpenFirewalls } from '../apply/firewall-probe.js'
import { type WantedNetwork, wantSeedNetwork, wantShootNetwork } from '../apply/wanted-network.js'
import { readTunLink } from '../kernel/tun-link.js'
import { NetworkError } from '../network-error.js'
import type { SeedNetworkPlan, ShootNetworkPlan } from '../plan/network-plan.js'
import { describeSources, markOf, markOn, type PlanMark, type SetupMark } from './setup-mark.js'

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
  let current = want(first)
  await checkPrepared(current)
  const nothing = () => Promise.resolve()
  const update = async (plan: Plan) => {
    const next = want(plan)
    await checkPrepared(next)
    current = next
  }
  return {
    tun: current.plan.tun,
    warnings: [],
    update,
    compare: () => findAllDifferences(current),
    findDiversions: () => findDiversions(current),
    close: async () => [],
    revert: nothing,
    [Symbol.asyncDispose]: nothing,
  }
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
  const [first] = await findAllDifferences(wanted)
  return first?.words
}

async function findAllDifferences(wanted: WantedNetwork): Promise<NetworkDifference[]> {
  const link = await readTunLink(wanted.plan.tun)
  const unlike = findMarkDifference(wanted, markOn(link), link !== undefined)
  if (link === undefined || unlike !== undefined)
    return [{ object: 'interface', words: unlike ?? 'it is gone' }]
  const plan = findPlanDifference(wanted, markOn(link)?.plan, markOf(wanted))
  return [
    ...findLinkDifferences(wanted, link),
    ...(plan === undefined ? [] : [{ object: 'firewall' as const, words: plan }]),
    ...(await findRouteDifferences(wanted)),
    ...(await findForwardingDifferences(wanted)),
    ...(await findOpenFirewalls(wanted)).map(
      (family): NetworkDifference => ({
        object: 'firewall',
        words: `its firewall does not drop what it must (IPv${family})`,
      }),
    ),
  ]
}

function findMarkDifference({ side }: WantedNetwork, mark: SetupMark | undefined, exists: boolean) {
  if (!exists) return 'it is gone'
  if (mark === undefined) return 'it was not made by setup'
  if (mark.side !== side) return `it is for the ${mark.side} side, expected the ${side} side`
  return mark.plan === undefined ? 'setup did not finish' : undefined
}

function findPlanDifference(
  { side, plan }: WantedNetwork,
  here: PlanMark | undefined,
  wanted: PlanMark,
): string | undefined {
  if (here === undefined) return 'setup did not finish'
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
