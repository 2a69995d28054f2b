import { CidrSet, parseCidr } from '@reversed-vpn/ip'
import { askIpJsonBatch, type IpAnswer, readIpJsonBatch } from '../kernel/run-tool.js'
import { ownedNumber, ROUTE_PROTOCOL } from '../owned-names.js'
import { MAIN_TABLE } from '../routes/owned-route.js'
import {
  decisionOf,
  destinationOf,
  type PolicyRoute,
  type PolicyRule,
  type RouteDecision,
  type RouteQuestion,
  refusalOf,
} from '../routes/policy-rules.js'
import type { WantedNetwork } from './wanted-network.js'

/** Packets that do not get into the TUN, though all of ours is in place. */
export interface Diversion {
  /** Canonical CIDR: a network of the plan, or the part of one. */
  readonly network: string
  /** Preference of the rule that decides; `null` where none could be told. */
  readonly rule: number | null
  readonly table: string | null
  /** The route that is taken: `100.96.0.0/11 dev tailscale0`, `blackhole 100.96.0.0/11`; or what the kernel answers. */
  readonly route: string
}

interface Probe extends RouteQuestion {
  readonly network: string
}

/** Parts of networks that are asked for beside the networks themselves, of which a peer announces 256 at most. */
const MAX_PARTS = 64
/** Tables of every machine, that rules of others lead nowhere else by. */
const USUAL_TABLES = ['local', MAIN_TABLE, 'default']

/**
 * Asks the kernel where it would send packets: on the seed, those for each network, and for each part of one that a table of
 * somebody else has a route for; on the shoot, the answers to the seed. A connected network, or a more specific route of the main
 * table, may win over ours on the seed, and is left out. Sockets that are bound to the TUN, as those of the egress proxy, go by
 * no route of others.
 *
 * @throws NetworkError as `runTool`
 */
export async function findDiversions({ side, plan: { tun, families } }: WantedNetwork): Promise<Diversion[]> {
  const perFamily = families.map(({ family, networks, transferNetwork, seedAddress }) =>
    side === 'seed'
      ? findInFamily(tun, family, networks.map(probeOf(family)), networks)
      : findInFamily(tun, family, [{ family, network: transferNetwork, destination: seedAddress }], []),
  )
  return (await Promise.all(perFamily)).flat()
}

/** @param networks of which parts are looked for, and of which more specific routes may win */
async function findInFamily(
  tun: string,
  family: 4 | 6,
  probes: readonly Probe[],
  networks: readonly string[],
): Promise<Diversion[]> {
  const [listed, ...answers] = await askIpJsonBatch(family, ['rule show', ...probes.map(renderProbe)])
  const rules = (typeof listed === 'string' ? [] : (listed ?? [])) as readonly PolicyRule[]
  const tables = new Set(rules.filter(isForeignRule(tun)).map(({ table }) => table))
  if (tables.size === 0 && answers.every((answer) => leadsTo(tun, answer))) return []
  const routes = await listOverlapping(
    family,
    probes.map(({ network }) => network),
  )
  const parts = findParts(family, networks, routes, tables).map(probeOf(family))
  const ofParts = await askIpJsonBatch(family, parts.map(renderProbe))
  return [...probes, ...parts].flatMap((probe, index) => {
    const answer = [...answers, ...ofParts][index] ?? []
    if (leadsTo(tun, answer)) return []
    const decision = decide(probe, rules, routes, answer)
    return mayWin(decision, networks) ? [] : [describe(probe, decision)]
  })
}

function decide(
  probe: Probe,
  rules: readonly PolicyRule[],
  routes: readonly PolicyRoute[],
  answer: IpAnswer,
): RouteDecision {
  if (typeof answer === 'string') return refusalOf(probe, rules, routes, answer)
  const [route] = answer as readonly PolicyRoute[]
  return route === undefined ? refusalOf(probe, rules, routes, 'no route') : decisionOf(route, probe, rules)
}

function probeOf(family: 4 | 6) {
  return (network: string): Probe => ({ family, network, destination: network.replace(/\/.*/, '') })
}

function renderProbe({ destination }: Probe): string {
  return `route get fibmatch ${destination}`
}

function leadsTo(tun: string, answer: IpAnswer): boolean {
  const [route] = typeof answer === 'string' ? [] : (answer as readonly PolicyRoute[])
  return route?.dev === tun
}

function isForeignRule(tun: string) {
  const ours = String(ownedNumber(tun))
  return ({ table, protocol }: PolicyRule) =>
    table !== undefined &&
    table !== ours &&
    !USUAL_TABLES.includes(table) &&
    protocol !== String(ROUTE_PROTOCOL)
}

/** Routes of all tables into those networks, and around them. */
async function listOverlapping(family: 4 | 6, networks: readonly string[]): Promise<PolicyRoute[]> {
  const lines = CidrSet.of(networks)
    .toStrings()
    .flatMap((network) => [`root ${network}`, `match ${network}`])
  const listings = await readIpJsonBatch(
    family,
    lines.map((line) => `route show table all ${line}`),
  )
  return listings.flat() as PolicyRoute[]
}

/** What those tables lead to by routes of their own, inside of the networks. */
function findParts(
  family: 4 | 6,
  networks: readonly string[],
  routes: readonly PolicyRoute[],
  tables: ReadonlySet<string | undefined>,
): string[] {
  const inside = routes
    .filter(({ table }) => table !== undefined && tables.has(table))
    .map((route) => destinationOf(route, family))
    .filter((part) => networks.some((network) => isInside(part, network)))
  return [...new Set(inside)].slice(0, MAX_PARTS)
}

function mayWin({ table, destination }: RouteDecision, networks: readonly string[]): boolean {
  if (table !== MAIN_TABLE && table !== 'local') return false
  return destination !== null && networks.some((network) => isInside(destination, network))
}

function describe({ network }: Probe, { rule, table, route, destination }: RouteDecision): Diversion {
  const isPart = destination !== null && isInside(destination, network)
  return { network: isPart ? destination : network, rule, table, route }
}

/** Not the whole of it. */
function isInside(part: string, whole: string): boolean {
  const [inner, outer] = [parseCidr(part), parseCidr(whole)]
  return inner.prefixLength > outer.prefixLength && outer.first <= inner.first && inner.last <= outer.last
}
