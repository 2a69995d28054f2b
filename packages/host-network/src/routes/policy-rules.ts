import { CidrSet, parseCidr } from '@reversed-vpn/ip'
import { withPrefixLength } from '../kernel/route-interfaces.js'
import { MAIN_TABLE } from './owned-route.js'

/** A rule of policy routing as `ip -json rule show` lists it (ip-rule(8)). */
export interface PolicyRule {
  readonly priority: number
  /** An address, or `all`. */
  readonly src: string
  readonly dst?: string
  readonly dstlen?: number
  readonly not?: null
  /** Where it looks. */
  readonly table?: string
  /** What it does instead. */
  readonly action?: string
  readonly protocol?: string
  readonly suppress_prefixlen?: number
}

/** A route as `ip -json route get fibmatch` and `ip -json route show table all` name it. */
export interface PolicyRoute {
  readonly type?: string
  /** A network, an address, or `default`. */
  readonly dst: string
  /** @default the main table */
  readonly table?: string
  readonly metric?: number
  readonly dev?: string
  readonly gateway?: string
  readonly nexthops?: readonly { readonly dev?: string; readonly gateway?: string }[]
}

/** What this machine sends: it has no mark, no interface that it came by, and no source yet. */
export interface RouteQuestion {
  readonly family: 4 | 6
  readonly destination: string
}

/** What decides where that goes. */
export interface RouteDecision {
  /** Preference of the rule; `null` where none could be told. */
  readonly rule: number | null
  readonly table: string | null
  /** `100.96.0.0/11 dev tailscale0`, `blackhole 100.96.0.0/11`, or the words of the kernel. */
  readonly route: string
  /** Canonical CIDR that it is for, as far as it is known. */
  readonly destination: string | null
}

const REJECTING = ['blackhole', 'unreachable', 'prohibit']
/** A rule that has one of them is not for what is asked. */
const OTHER_SELECTORS = [
  'fwmark',
  'oif',
  'l3mdev',
  'uid_start',
  'ipproto',
  'tos',
  'tun_id',
  'sport',
  'sport_start',
  'dport',
  'dport_start',
]
const WHOLE = { 4: '0.0.0.0/0', 6: '::/0' } as const

/** What decided where the kernel has found this route. */
export function decisionOf(
  route: PolicyRoute,
  question: RouteQuestion,
  rules: readonly PolicyRule[],
): RouteDecision {
  const table = route.table ?? MAIN_TABLE
  const rule = rules.find((candidate) => candidate.table === table && appliesTo(candidate, question))
  return decide(rule, table, route, question.family)
}

/**
 * What decided where the kernel refuses, which does not say why: the first rule that rejects, or leads to a route that does.
 *
 * @param routes those of all tables that overlap the networks which are asked for
 * @param words of the kernel
 */
export function refusalOf(
  question: RouteQuestion,
  rules: readonly PolicyRule[],
  routes: readonly PolicyRoute[],
  words: string,
): RouteDecision {
  for (const rule of rules.filter((candidate) => appliesTo(candidate, question))) {
    if (rule.action !== undefined && REJECTING.includes(rule.action)) {
      return { rule: rule.priority, table: null, route: rule.action, destination: null }
    }
    if (rule.table === undefined) continue
    const route = findBest(rule.table, question, routes)
    if (route?.type === undefined || !REJECTING.includes(route.type)) continue
    if (prefixLengthOf(route, question.family) <= (rule.suppress_prefixlen ?? -1)) continue
    return decide(rule, rule.table, route, question.family)
  }
  return { rule: null, table: null, route: words, destination: null }
}

/** The network of a route, canonical. */
export function destinationOf({ dst }: PolicyRoute, family: 4 | 6): string {
  return dst === 'default' ? WHOLE[family] : parseCidr(withPrefixLength(dst, family)).text
}

function decide(
  rule: PolicyRule | undefined,
  table: string,
  route: PolicyRoute,
  family: 4 | 6,
): RouteDecision {
  const hops = [route, ...(route.nexthops ?? [])].flatMap(({ dev, gateway }) => [
    ...(gateway === undefined ? [] : [`via ${gateway}`]),
    ...(dev === undefined ? [] : [`dev ${dev}`]),
  ])
  const type = route.type === undefined || route.type === 'unicast' ? [] : [route.type]
  return {
    rule: rule?.priority ?? null,
    table,
    route: [...type, route.dst, ...hops].join(' '),
    destination: destinationOf(route, family),
  }
}

function appliesTo(rule: PolicyRule, { family, destination }: RouteQuestion): boolean {
  const holds =
    OTHER_SELECTORS.every((selector) => !(selector in rule)) &&
    (!('iif' in rule) || rule.iif === 'lo') &&
    rule.src === 'all' &&
    (rule.dst === undefined ||
      CidrSet.of([`${rule.dst}/${rule.dstlen ?? (family === 4 ? 32 : 128)}`]).has(destination))
  return holds !== 'not' in rule
}

function findBest(
  table: string,
  { family, destination }: RouteQuestion,
  routes: readonly PolicyRoute[],
): PolicyRoute | undefined {
  const [best] = routes
    .filter((route) => (route.table ?? MAIN_TABLE) === table)
    .filter((route) => CidrSet.of([destinationOf(route, family)]).has(destination))
    .toSorted(
      (left, right) =>
        prefixLengthOf(right, family) - prefixLengthOf(left, family) ||
        (left.metric ?? 0) - (right.metric ?? 0),
    )
  return best
}

function prefixLengthOf(route: PolicyRoute, family: 4 | 6): number {
  return parseCidr(destinationOf(route, family)).prefixLength
}
