import { checkConflicts } from './conflict-guard.js'
import { kernelFamilies, listOccupiedAddresses } from './host-network.js'
import { NetworkError } from './network-error.js'
import type { ResolvedLinkPlan, SeedNetworkPlan, ShootNetworkPlan } from './network-plan.js'
import { deleteOwned, readOwnedState, without } from './owned-state.js'
import { resolveSeedPlan, resolveShootPlan } from './resolve-plan.js'
import { readIpJson, runIpBatch, runTool } from './run-tool.js'
import { renderSeedRuleset } from './seed-ruleset.js'
import { renderShootRuleset } from './shoot-ruleset.js'
import { sweepNetwork } from './sweep-network.js'
import { enableForwarding, prepareTun } from './sysctls.js'
import {
  renderFallbackLines,
  renderLinkLines,
  seedLinks,
  shootLinks,
  type WantedLinks,
} from './wanted-links.js'

/** Addresses, routes and firewall that are in place. */
export interface AppliedNetwork extends AsyncDisposable {
  /** Sentences about what works, but less well than it could on this machine; for the log. */
  readonly warnings: readonly string[]
  /** Takes all of it away, as `sweepNetwork`. Idempotent; the TUN may be gone already. Forwarding sysctls stay. */
  close(): Promise<void>
}

/**
 * Puts the seed side's addresses, routes and firewall in place, replacing what an earlier call or a crashed process left for
 * that TUN. The TUN exists already and comes up here, behind the firewall. When anything fails, nothing of ours stays.
 * One call for a TUN at a time.
 *
 * @throws NetworkError ERR_NETWORK_PLAN_INVALID, ERR_NETWORK_CONFLICT or ERR_TUN_MISSING before anything is changed;
 *   ERR_FORWARDING_DISABLED, ERR_NETWORK_COMMAND, ERR_NETWORK_COMMAND_TIMEOUT or ERR_NETWORK_TOOL_MISSING
 */
export async function applySeedNetwork(plan: SeedNetworkPlan): Promise<AppliedNetwork> {
  const resolved = resolveSeedPlan(plan)
  const peers = resolved.peerAddresses.map((address) => ({ address, what: "address of the tunnel's peer" }))
  checkConflicts(resolved.networks, [...(await listOccupiedAddresses(resolved.tun)), ...peers])
  return apply(resolved, renderSeedRuleset(resolved), seedLinks(resolved))
}

/**
 * The same for the shoot side. Its networks hold this machine's own addresses, gateway and name servers as a rule; only the
 * transfer network may not.
 *
 * @throws NetworkError as `applySeedNetwork`
 */
export async function applyShootNetwork(plan: ShootNetworkPlan): Promise<AppliedNetwork> {
  const resolved = resolveShootPlan(plan)
  const routed = resolved.networks.filter(({ kind }) => kind === 'transfer')
  checkConflicts(routed, await listOccupiedAddresses(resolved.tun))
  return apply(resolved, renderShootRuleset(resolved), shootLinks(resolved))
}

async function apply(plan: ResolvedLinkPlan, ruleset: string, links: WantedLinks): Promise<AppliedNetwork> {
  const { tun } = plan
  const devices = await readIpJson<{ ifname: string }>(['link', 'show'])
  if (!devices.some(({ ifname }) => ifname === tun)) {
    throw new NetworkError('ERR_TUN_MISSING', `there is no interface ${tun}`)
  }
  let warnings: string[]
  try {
    warnings = await putInPlace(plan, ruleset, links)
  } catch (error) {
    // Half of it would be an open door or a dead end; the first error is the one that tells why.
    await sweepNetwork(tun).catch(() => {})
    throw error
  }
  let closing: Promise<void> | undefined
  const close = () => (closing ??= sweepNetwork(tun))
  return { warnings, close, [Symbol.asyncDispose]: close }
}

async function putInPlace(plan: ResolvedLinkPlan, ruleset: string, links: WantedLinks): Promise<string[]> {
  const families = plan.families.map(({ family }) => family)
  const before = await readOwnedState(plan.tun)
  const missing = without({ routes: [], rules: links.rules }, before)
  // First the firewall, then what catches the shoot's networks while the TUN is down; only then may packets flow.
  await runTool('nft', ['-f', '-'], ruleset)
  for (const family of families) {
    await runIpBatch(renderFallbackLines(links, family, missing.rules), { family })
  }
  if (plan.forwarding) await enableForwarding(families)
  const warnings = await prepareTun(plan.tun, families)
  await removeStaleAddresses(links)
  await runIpBatch(renderLinkLines(links, kernelFamilies().includes(6)))
  const wanted = { routes: [...links.fallbacks, ...links.tunRoutes], rules: links.rules }
  await deleteOwned(plan.tun, without(before, wanted))
  return warnings
}

/** The TUN is ours, so every address on it that is not wanted is one of an earlier plan. */
async function removeStaleAddresses({ tun, addresses }: WantedLinks): Promise<void> {
  const [device] = await readIpJson<{ addr_info?: { local: string; prefixlen: number }[] }>([
    'address',
    'show',
    'dev',
    tun,
  ])
  const stale = (device?.addr_info ?? [])
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    .filter((address) => !addresses.includes(address))
  await runIpBatch(stale.map((address) => `address del ${address} dev ${tun}`))
}
