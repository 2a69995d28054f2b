import { type AppliedNetwork, applyNetwork } from '../apply/apply-network.js'
import { checkOccupied } from '../apply/conflict-guard.js'
import { releaseNetwork, sweepNetwork } from '../apply/sweep-network.js'
import { type WantedNetwork, wantSeedNetwork, wantShootNetwork } from '../apply/wanted-network.js'
import { findAcceptedOffloads } from '../kernel/offload-self-test.js'
import { openTunDevice } from '../kernel/open-tun-device.js'
import { runTool } from '../kernel/run-tool.js'
import type { NetworkWarning } from '../kernel/sysctls.js'
import { readTunLink, type TunLink } from '../kernel/tun-link.js'
import { NetworkError } from '../network-error.js'
import type { SeedNetworkPlan, ShootNetworkPlan } from '../plan/network-plan.js'
import { describeOwner, markOf, markOn, type SetupMark, type SetupOwner, writeMark } from './setup-mark.js'

export interface SetUpNetwork {
  readonly warnings: readonly NetworkWarning[]
  /** Whether the interface is new; else it was there from an earlier set-up. */
  readonly isNew: boolean
}

/**
 * Makes everything a seed-server without any capability needs, and leaves it there: a persistent TUN that the owner may open,
 * addresses, routes and firewall. What an earlier set-up left is replaced, also under a daemon that runs. When anything fails,
 * nothing of ours stays but what caught packets before. One call for a TUN at a time.
 *
 * @throws NetworkError ERR_TUN_NOT_OURS when the name is taken by another interface, ERR_TUN_IN_USE when another owner is
 *   wanted of one that a daemon has open, else as `applySeedNetwork`
 * @throws SyscallError of `openTun`
 */
export function setUpSeedNetwork(plan: SeedNetworkPlan, owner: SetupOwner): Promise<SetUpNetwork> {
  return setUp(wantSeedNetwork(plan), owner)
}

/** The same for the shoot side. @throws NetworkError, SyscallError as `setUpSeedNetwork` */
export function setUpShootNetwork(plan: ShootNetworkPlan, owner: SetupOwner): Promise<SetUpNetwork> {
  return setUp(wantShootNetwork(plan), owner)
}

/**
 * Takes away what was set up for that TUN, the interface included, and what a daemon left that stopped or crashed. Idempotent.
 * Forwarding stays on. A daemon that has the interface open loses it and ends.
 *
 * @throws NetworkError ERR_TUN_NOT_OURS when the interface was not made by `setup`; nothing is changed then
 */
export async function removeSetUpNetwork(tun: string): Promise<void> {
  const link = await readTunLink(tun)
  if (link !== undefined && markOn(link) === undefined) throw notOurs(tun)
  await sweepNetwork(tun)
  if (link !== undefined) await deleteInterface(tun)
}

async function setUp(wanted: WantedNetwork, owner: SetupOwner): Promise<SetUpNetwork> {
  await checkOccupied(wanted)
  const { tun } = wanted.plan
  const link = await readTunLink(tun)
  const mark = markOn(link)
  if (link !== undefined) {
    if (mark === undefined) throw notOurs(tun)
    checkSameSide(tun, mark, wanted)
    if (hasOwner(mark, owner)) return renew(wanted, mark)
    await removeUnused(tun, link, mark)
  }
  return make(wanted, owner)
}

/** The interface lives by the open queue until all is in place: a set-up that dies before leaves no interface. */
async function make(wanted: WantedNetwork, { uid, gid }: SetupOwner): Promise<SetUpNetwork> {
  const { side, plan } = wanted
  const device = openTunDevice(plan.tun, true, 'expected CAP_NET_ADMIN')
  let applied: AppliedNetwork | undefined
  try {
    device.setOwner({ uid, gid })
    // While it is down, and for the daemon, which has it only when it is up.
    const accepts = findAcceptedOffloads(device.openQueue())
    applied = await applyNetwork(wanted)
    await writeMark(plan.tun, { side, uid, gid, accepts, plan: markOf(wanted) })
    device.setPersistent(true)
    return { warnings: applied.warnings, isNew: true }
  } catch (error) {
    await applied?.revert().catch(() => {})
    throw error
  } finally {
    device.close()
  }
}

/** The interface is not opened: a daemon may be reading from it, and would lose packets to a second queue. */
async function renew(wanted: WantedNetwork, { plan: _, ...mark }: SetupMark): Promise<SetUpNetwork> {
  const { tun } = wanted.plan
  try {
    await writeMark(tun, mark)
    const { warnings } = await applyNetwork(wanted)
    await writeMark(tun, { ...mark, plan: markOf(wanted) })
    return { warnings, isNew: false }
  } catch (error) {
    await releaseNetwork(tun).catch(() => {})
    await deleteInterface(tun).catch(() => {})
    throw error
  }
}

async function removeUnused(tun: string, { queues }: TunLink, mark: SetupMark): Promise<void> {
  if (queues > 0) {
    throw new NetworkError(
      'ERR_TUN_IN_USE',
      `interface ${tun} is in use and belongs to ${describeOwner(mark)}; close it before changing its owner`,
    )
  }
  await releaseNetwork(tun)
  await deleteInterface(tun)
}

function checkSameSide(tun: string, mark: SetupMark, { side }: WantedNetwork): void {
  if (mark.side === side) return
  throw new NetworkError('ERR_TUN_NOT_OURS', `interface ${tun} was set up for the ${mark.side} side`)
}

function hasOwner(mark: SetupMark, { uid, gid }: SetupOwner): boolean {
  return mark.uid === uid && mark.gid === gid
}

async function deleteInterface(tun: string): Promise<void> {
  await runTool('ip', ['link', 'delete', 'dev', tun])
}

function notOurs(tun: string): NetworkError {
  return new NetworkError('ERR_TUN_NOT_OURS', `interface ${tun} exists and was not made by setup`)
}
