import { ownedNumber, ROUTE_PROTOCOL, RULE_PREFERENCE, TUN_ROUTE_METRIC } from '../owned-names.js'

export const MAIN_TABLE = 'main'

/** A route of ours. `tun` is set for those that lead into it. */
export interface OwnedRoute {
  readonly type: 'unicast' | 'blackhole' | 'unreachable'
  readonly family: 4 | 6
  /** Canonical CIDR or `default`. */
  readonly destination: string
  readonly table: string
  readonly metric: number
  readonly tun?: string
  /** Source address that local sockets take which have none. */
  readonly source?: string
}

/** A rule of ours: what comes from that address looks into that table. */
export interface OwnedRule {
  readonly family: 4 | 6
  readonly from: string
  readonly table: string
}

export function tunRoute(
  tun: string,
  family: 4 | 6,
  destination: string,
  source: string,
  table = MAIN_TABLE,
): OwnedRoute {
  return { type: 'unicast', family, destination, table, metric: TUN_ROUTE_METRIC, tun, source }
}

/** Takes effect when the TUN and its routes are gone. */
export function fallbackRoute(
  type: 'blackhole' | 'unreachable',
  tun: string,
  family: 4 | 6,
  destination: string,
  table = MAIN_TABLE,
): OwnedRoute {
  return { type, family, destination, table, metric: ownedNumber(tun) }
}

/** The arguments of `ip route replace` and `ip route del`. */
export function renderRoute(route: OwnedRoute): string {
  return [
    ...(route.type === 'unicast' ? [] : [route.type]),
    route.destination,
    ...(route.tun === undefined ? [] : [`dev ${route.tun}`]),
    ...(route.source === undefined ? [] : [`src ${route.source}`]),
    ...(route.table === MAIN_TABLE ? [] : [`table ${route.table}`]),
    `metric ${route.metric}`,
    `proto ${ROUTE_PROTOCOL}`,
  ].join(' ')
}

/** The arguments of `ip rule add` and `ip rule del`. */
export function renderRule(rule: OwnedRule): string {
  return `pref ${RULE_PREFERENCE} from ${rule.from} lookup ${rule.table} protocol ${ROUTE_PROTOCOL}`
}

/** Equal for routes where the kernel lets one replace the other. */
export function routeKey(route: OwnedRoute): string {
  return `${route.family} ${route.type} ${route.destination} ${route.table} ${route.metric}`
}

export function ruleKey(rule: OwnedRule): string {
  return `${rule.family} ${rule.from} ${rule.table}`
}
