import { createHash } from 'node:crypto'
import { OFFLOAD_KINDS, type OffloadKind } from '@reversed-vpn/protocol'
import type { WantedNetwork } from '../apply/wanted-network.js'
import { renderSeedRuleset } from '../firewall/seed-ruleset.js'
import { renderShootRuleset } from '../firewall/shoot-ruleset.js'
import { runTool } from '../kernel/run-tool.js'
import type { TunLink } from '../kernel/tun-link.js'
import type { ResolvedSeedPlan } from '../plan/network-plan.js'

// What `setup` leaves on the interface as its alias, which anyone can read and only who may change the interface can write.
// The firewall can't be read without CAP_NET_ADMIN, so this is how a daemon without it knows which one stands there.

/** Who may open the interface without CAP_NET_ADMIN. */
export interface SetupOwner {
  readonly uid: number
  readonly gid?: number | undefined
}

/** What was set up, as far as it can't be seen otherwise. */
export interface SetupMark extends SetupOwner {
  readonly side: WantedNetwork['side']
  /** What this kernel takes from us in a frame. */
  readonly accepts: readonly OffloadKind[]
  /** Absent while the set-up is not finished. */
  readonly plan?: PlanMark
}

/** What the firewall was made of. */
export interface PlanMark {
  /** Digest of the networks. */
  readonly networks: string
  /** Shoot side: the one interface that packets leave by, or `auto`. */
  readonly egress: string
  /** Shoot side: ports of the daemon that nothing from the tunnel reaches. */
  readonly ports: string
  /** Seed side: digest of what may be forwarded into the TUN, empty where nothing may. */
  readonly routed: string
  /** Digest of the rules, which is another one in another version. */
  readonly firewall: string
}

const WORD = 'reversed-vpn-setup'

/** What a plan comes to. The order in which networks and ports are given makes no difference. */
export function markOf(wanted: WantedNetwork): PlanMark {
  const families = wanted.plan.families.map((family) => ({
    ...family,
    networks: family.networks.toSorted(),
    nodeNetworks: family.nodeNetworks.toSorted(),
  }))
  const networks = digest(JSON.stringify(families.map((family) => [family.networks, family.nodeNetworks])))
  if (wanted.side === 'seed') {
    const firewall = digest(renderSeedRuleset({ ...wanted.plan, families }))
    const sources = describeSources(wanted.plan)
    const routed = sources === '' ? '' : digest(sources)
    return { networks, egress: 'auto', ports: '', routed, firewall }
  }
  const ownPorts = wanted.plan.ownPorts.toSorted((one, other) => one - other)
  return {
    networks,
    egress: wanted.plan.egressInterface,
    ports: ownPorts.join(','),
    routed: '',
    firewall: digest(renderShootRuleset({ ...wanted.plan, families, ownPorts })),
  }
}

/** What may be forwarded into the TUN, empty where nothing may. */
export function describeSources({ routedFrom: { interfaces, networks } }: ResolvedSeedPlan): string {
  return [...networks[4], ...networks[6], ...interfaces].join(', ')
}

export function renderMark({ side, uid, gid, accepts, plan }: SetupMark): string {
  const fields = { side, uid, gid, accepts: accepts.join(','), ...plan }
  const words = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${value}`],
  )
  return [WORD, ...words].join(' ')
}

/** `undefined` for an interface that `setup` has not made. */
export function parseMark(alias: string | undefined): SetupMark | undefined {
  const [word, ...words] = (alias ?? '').split(' ')
  if (word !== WORD) return undefined
  const fields = new Map(
    words.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  )
  const side = fields.get('side')
  if (side !== 'seed' && side !== 'shoot') return undefined
  const gid = fields.get('gid')
  const accepted = (fields.get('accepts') ?? '').split(',')
  const [networks, egress, ports, firewall] = ['networks', 'egress', 'ports', 'firewall'].map((key) =>
    fields.get(key),
  )
  // A version of before, which let every source in, wrote none; its rules are others too.
  const routed = fields.get('routed') ?? ''
  return {
    side,
    uid: Number(fields.get('uid')),
    ...(gid === undefined ? {} : { gid: Number(gid) }),
    accepts: OFFLOAD_KINDS.filter((kind) => accepted.includes(kind)),
    ...(networks === undefined || egress === undefined || ports === undefined || firewall === undefined
      ? {}
      : { plan: { networks, egress, ports, routed, firewall } }),
  }
}

/** The mark of an interface; `undefined` also where there is none. */
export function markOn(link: TunLink | undefined): SetupMark | undefined {
  return link?.isTun ? parseMark(link.alias) : undefined
}

/** @throws NetworkError as `runTool` */
export async function writeMark(tun: string, mark: SetupMark): Promise<void> {
  await runTool('ip', ['link', 'set', 'dev', tun, 'alias', renderMark(mark)])
}

/** For messages. */
export function describeOwner({ uid, gid }: SetupOwner): string {
  return gid === undefined ? `uid ${uid}` : `uid ${uid} and gid ${gid}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
