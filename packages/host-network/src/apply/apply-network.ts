import { networkAround } from '@reversed-vpn/ip'
import { readFirewall } from '../firewall/read-firewall.js'
import { renderElsewhere } from '../firewall/seed-ruleset.js'
import { enableForwarding } from '../kernel/forwarding.js'
import { readIpJson, runIpBatch, runTool } from '../kernel/run-tool.js'
import { kernelFamilies, type NetworkWarning, prepareTun } from '../kernel/sysctls.js'
import { readTunLink } from '../kernel/tun-link.js'
import { NetworkError } from '../network-error.js'
import type { SeedNetworkPlan, ShootNetworkPlan } from '../plan/network-plan.js'
import { findOtherRoutes } from '../routes/other-routes.js'
import { MAIN_TABLE, type OwnedRoute } from '../routes/owned-route.js'
import { deleteOwned, fallbacksOf, readOwnedState, without } from '../routes/owned-state.js'
import { ownedIn, renderFallbackLines, renderLinkLines, type WantedLinks } from '../routes/wanted-links.js'
import { checkOccupied } from './conflict-guard.js'
import { findDifferences, type NetworkDifference } from './difference.js'
import { type Diversion, findDiversions } from './diversions.js'
import { releaseNetwork, sweepNetwork } from './sweep-network.js'
import { type WantedNetwork, wantSeedNetwork, wantShootNetwork } from './wanted-network.js'

/** Addresses, routes and firewall that are in place. */
export interface AppliedNetwork extends AsyncDisposable {
  readonly warnings: readonly NetworkWarning[]
  /**
   * Takes all of it away but what catches packets for the networks while there is no TUN; that stays until
   * `removeSetUpNetwork`. Idempotent; the TUN may be gone already. Forwarding stays on.
   * @returns the networks that are caught
   */
  close(): Promise<readonly string[]>
  /** Takes all of it away that was not there before, for a start that fails. Idempotent. */
  revert(): Promise<void>
}

/** Addresses, routes and firewall that can be compared with what they should be. */
export interface ComparableNetwork {
  readonly tun: string
  /**
   * What is not on this machine as it should be; never in the middle of a change of our own.
   * @throws NetworkError as `runTool`
   */
  compare(): Promise<readonly NetworkDifference[]>
  /**
   * What packets others keep from the TUN while nothing is missing; likewise never in the middle of a change of our own.
   * @throws NetworkError as `runTool`
   */
  findDiversions(): Promise<readonly Diversion[]>
  /** Puts in place again what is missing. Absent where it is not ours to change. @throws NetworkError as `applySeedNetwork` */
  repair?(missing: readonly NetworkDifference[]): Promise<void>
}

/** Addresses, routes and firewall that can become others. */
export interface UpdatableNetwork<Plan> extends AppliedNetwork, ComparableNetwork {
  /**
   * Replaces this plan by another one for the same TUN, without a gap: the firewall in one transaction, then the new routes, then
   * the old ones go. Connections that both plans allow do not notice.
   * @throws NetworkError as when it was first applied; the old plan is then in place again, as far as the machine lets us
   */
  update(plan: Plan): Promise<void>
}

/**
 * Puts the seed side's addresses, routes and firewall in place, replacing what an earlier call or a crashed process left for
 * that TUN. The TUN exists already and comes up here, behind the firewall. When anything fails, nothing of ours stays but
 * what caught packets before. One call for a TUN at a time.
 *
 * @throws NetworkError ERR_NETWORK_PLAN_INVALID, ERR_NETWORK_CONFLICT or ERR_TUN_MISSING before anything is changed;
 *   ERR_FORWARDING_DISABLED, ERR_IPV6_DISABLED, ERR_NETWORK_COMMAND, ERR_NETWORK_COMMAND_TIMEOUT or ERR_NETWORK_TOOL_MISSING
 */
export function applySeedNetwork(plan: SeedNetworkPlan): Promise<UpdatableNetwork<SeedNetworkPlan>> {
  return applyUpdatable(plan, wantSeedNetwork)
}

/** The same for the shoot side. @throws NetworkError as `applySeedNetwork` */
export function applyShootNetwork(plan: ShootNetworkPlan): Promise<UpdatableNetwork<ShootNetworkPlan>> {
  return applyUpdatable(plan, wantShootNetwork)
}

async function applyUpdatable<Plan>(
  first: Plan,
  want: (plan: Plan) => WantedNetwork,
): Promise<UpdatableNetwork<Plan>> {
  let current: WantedNetwork | undefined = want(first)
  const { tun } = current.plan
  await checkOccupied(current)
  const applied = await applyNetwork(current)
  let firewall = await readFirewall(tun)
  let elsewhere: string | undefined
  const inTurn = createTurns()
  const put = async (wanted: WantedNetwork) => {
    await putInPlace(wanted)
    firewall = await readFirewall(tun)
    elsewhere = undefined
  }
  const compare = async (wanted: WantedNetwork) => {
    const differences = await findDifferences(wanted, firewall)
    if (differences.length === 0) await follow(wanted)
    return differences
  }
  /** Routes of others come and go, and are nothing to put right; only what the firewall knows of them is. */
  const follow = async (wanted: WantedNetwork) => {
    const fresh = await renderOtherRoutes(wanted)
    if (fresh === (elsewhere ?? '')) return
    await runTool('nft', ['-f', '-'], fresh)
    elsewhere = fresh
    firewall = await readFirewall(tun)
  }
  const repair = async (missing: readonly NetworkDifference[]) => {
    if (current === undefined) return
    // Soon: while its firewall is gone, a tunnel carries nothing.
    if (missing.every(({ object }) => object === 'firewall')) await putFirewall(current)
    else await putInPlace(current)
    firewall = await readFirewall(tun)
    elsewhere = undefined
  }
  const update = async (plan: Plan) => {
    const next = want(plan)
    await checkOccupied(next)
    try {
      await put(next)
    } catch (error) {
      if (current !== undefined) await put(current).catch(() => {})
      throw error
    }
    current = next
  }
  const end = <T>(work: () => Promise<T>) =>
    inTurn(() => {
      current = undefined
      return work()
    })
  return {
    tun,
    warnings: applied.warnings,
    update: (plan) => inTurn(() => update(plan)),
    compare: () => inTurn(async () => (current === undefined ? [] : compare(current))),
    findDiversions: () => inTurn(async () => (current === undefined ? [] : findDiversions(current))),
    repair: (missing) => inTurn(() => repair(missing)),
    close: () => end(applied.close),
    revert: () => end(applied.revert),
    [Symbol.asyncDispose]: async () => void (await end(applied.close)),
  }
}

/** One piece of work after the other. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }
}

/** Applies what does not conflict with this machine. @throws NetworkError as `applySeedNetwork` */
export async function applyNetwork(wanted: WantedNetwork): Promise<AppliedNetwork> {
  const { tun } = wanted.plan
  if ((await readTunLink(tun)) === undefined) {
    throw new NetworkError('ERR_TUN_MISSING', `there is no interface ${tun}`)
  }
  const before = fallbacksOf(await readOwnedState(tun))
  const revert = () => sweepNetwork(tun, before)
  try {
    const warnings = await putInPlace(wanted)
    let closing: Promise<string[]> | undefined
    const close = () => (closing ??= releaseNetwork(tun))
    return { warnings, close, revert, [Symbol.asyncDispose]: async () => void (await close()) }
  } catch (error) {
    // Half of it would be an open door or a dead end. The first error says why.
    await revert().catch(() => {})
    throw error
  }
}

async function putInPlace(wanted: WantedNetwork): Promise<NetworkWarning[]> {
  const { plan, links, forwarding } = wanted
  const families = plan.families.map(({ family }) => family)
  const before = await readOwnedState(plan.tun)
  const missing = without({ routes: [], rules: links.rules }, before)
  // First the firewall, then what catches the shoot's networks while the TUN is down; only then may packets flow.
  await putFirewall(wanted)
  for (const family of families) {
    await runIpBatch(renderFallbackLines(links, family, missing.rules), { family })
  }
  await enableForwarding(forwarding)
  const warnings = await prepareTun(plan.tun, families)
  await removeStaleAddresses(links, before.routes)
  await runIpBatch(renderLinkLines(links, kernelFamilies().includes(6)))
  await deleteOwned(plan.tun, without(before, ownedIn(links)))
  return warnings
}

async function putFirewall(wanted: WantedNetwork): Promise<void> {
  await runTool('nft', ['-f', '-'], `${wanted.ruleset}${await renderOtherRoutes(wanted)}`)
}

/** The script that tells the firewall of them; the shoot side need not know. */
async function renderOtherRoutes({ side, plan: { tun, families } }: WantedNetwork): Promise<string> {
  return side === 'seed' ? renderElsewhere(tun, await findOtherRoutes(tun, families)) : ''
}

/**
 * The TUN is ours, so every address on it that is not wanted is one of an earlier plan. Our own route to its network goes first:
 * the kernel would take that for the one that came with an IPv6 address, and leave its own behind.
 */
async function removeStaleAddresses(
  { tun, addresses }: WantedLinks,
  before: readonly OwnedRoute[],
): Promise<void> {
  const [device] = await readIpJson<{ addr_info?: { local: string; prefixlen: number }[] }>([
    'address',
    'show',
    'dev',
    tun,
  ])
  const stale = (device?.addr_info ?? [])
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    .filter((address) => !addresses.includes(address))
  const networks = stale.map((address) => networkAround(address).text)
  const isBeside = ({ tun: device, table, destination }: OwnedRoute) =>
    device === tun && table === MAIN_TABLE && networks.includes(destination)
  await deleteOwned(tun, { routes: before.filter(isBeside), rules: [] })
  await runIpBatch(stale.map((address) => `address del ${address} dev ${tun}`))
}
