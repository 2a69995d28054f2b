import { withPrefixLength } from '../kernel/route-interfaces.js'
import { readIpJsonBatch, runIpBatch } from '../kernel/run-tool.js'
import { kernelFamilies } from '../kernel/sysctls.js'
import { ownedNumber, ROUTE_PROTOCOL, RULE_PREFERENCE } from '../owned-names.js'
import {
  MAIN_TABLE,
  type OwnedRoute,
  type OwnedRule,
  renderRoute,
  renderRule,
  routeKey,
  ruleKey,
} from './owned-route.js'

/** What is there of ours: routes and rules of one TUN, from this process or one that crashed. */
interface OwnedState {
  readonly routes: readonly OwnedRoute[]
  readonly rules: readonly OwnedRule[]
}

/** A route as `ip -json route show` lists it. */
export interface RouteJson {
  readonly type?: string
  readonly dst: string
  readonly dev?: string
  readonly table?: string
  readonly metric?: number
}

interface RuleJson {
  readonly priority: number
  readonly src: string
  readonly table?: string
  readonly protocol?: string
}

/** Of a TUN that left nothing. */
export const NOTHING_OWNED: OwnedState = { routes: [], rules: [] }

/** @throws NetworkError as `runTool` */
export async function readOwnedState(tun: string): Promise<OwnedState> {
  const perFamily = await Promise.all(kernelFamilies().map((family) => readFamily(tun, family)))
  return {
    routes: perFamily.flatMap(({ routes }) => routes),
    rules: perFamily.flatMap(({ rules }) => rules),
  }
}

async function readFamily(tun: string, family: 4 | 6): Promise<OwnedState> {
  // Rules first: there are always some, and an old `ip` says nothing at all where there is no route.
  const [rules, routes] = await readIpJsonBatch(family, [
    'rule show',
    `route show table all proto ${ROUTE_PROTOCOL}`,
  ])
  return {
    routes: toOwnedRoutes(tun, family, (routes ?? []) as RouteJson[]),
    rules: toOwnedRules(tun, family, (rules ?? []) as RuleJson[]),
  }
}

/** Whether a route carries a mark of that TUN: it leads into it, stands behind one that does, or is in its table. */
export function isRouteOf(tun: string, { dev, metric, table }: RouteJson): boolean {
  const number = ownedNumber(tun)
  return dev === tun || metric === number || table === String(number)
}

function toOwnedRoutes(tun: string, family: 4 | 6, routes: readonly RouteJson[]): OwnedRoute[] {
  return routes
    .filter((route) => isRouteOf(tun, route))
    .map((route) => ({
      type: route.type === 'blackhole' || route.type === 'unreachable' ? route.type : 'unicast',
      family,
      destination: withPrefixLength(route.dst, family),
      table: route.table ?? MAIN_TABLE,
      metric: route.metric ?? 0,
      ...(route.dev === tun ? { tun } : {}),
    }))
}

function toOwnedRules(tun: string, family: 4 | 6, rules: readonly RuleJson[]): OwnedRule[] {
  const table = String(ownedNumber(tun))
  return rules
    .filter(
      (rule) =>
        rule.priority === RULE_PREFERENCE && rule.protocol === String(ROUTE_PROTOCOL) && rule.table === table,
    )
    .map(({ src }) => ({ family, from: src, table }))
}

/**
 * Deletes those routes and rules. What has gone by itself meanwhile, with its TUN for one, is no error.
 *
 * @throws NetworkError as `runTool`, when some are still there afterwards
 */
export async function deleteOwned(tun: string, unwanted: OwnedState): Promise<void> {
  const failures: unknown[] = []
  for (const family of kernelFamilies()) {
    const rules = unwanted.rules.filter((rule) => rule.family === family)
    const routes = unwanted.routes.filter((route) => route.family === family)
    const lines = [
      ...rules.map((rule) => `rule del ${renderRule(rule)}`),
      ...routes.map((route) => `route del ${renderRoute(route)}`),
    ]
    await runIpBatch(lines, { family, keepGoing: true }).catch((error) => failures.push(error))
  }
  if (failures.length > 0 && !isEmpty(intersect(await readOwnedState(tun), unwanted))) throw failures[0]
}

/** What is in `state` and not in `wanted`. */
export function without(state: OwnedState, wanted: OwnedState): OwnedState {
  const routeKeys = new Set(wanted.routes.map(routeKey))
  const ruleKeys = new Set(wanted.rules.map(ruleKey))
  return {
    routes: state.routes.filter((route) => !routeKeys.has(routeKey(route))),
    rules: state.rules.filter((rule) => !ruleKeys.has(ruleKey(rule))),
  }
}

/**
 * What of it catches packets that have no TUN any more, instead of a default route of others. Rules do not: who gets our transfer
 * address next would be led to a table of ours.
 */
export function fallbacksOf({ routes }: OwnedState): OwnedState {
  return { routes: routes.filter(({ type, table }) => type !== 'unicast' && table === MAIN_TABLE), rules: [] }
}

function intersect(state: OwnedState, other: OwnedState): OwnedState {
  return without(state, without(state, other))
}

function isEmpty({ routes, rules }: OwnedState): boolean {
  return routes.length === 0 && rules.length === 0
}
