import { type Cidr, parseCidr } from '@reversed-vpn/ip'
import { readIpJson } from './run-tool.js'

interface RouteJson {
  readonly dst: string
  readonly dev?: string
  readonly nexthops?: readonly { readonly dev?: string }[]
  readonly table?: string
}

interface Route {
  readonly table: string
  readonly destination: Cidr
  readonly interfaces: readonly string[]
}

const WHOLE = { 4: '0.0.0.0/0', 6: '::/0' } as const

/**
 * The interfaces that packets to those networks leave by, as the routes of all tables stand now: those of each route into a
 * network, and in each table of the narrowest one that covers it.
 *
 * @throws NetworkError as `runTool`
 */
export async function findRouteInterfaces(family: 4 | 6, networks: readonly string[]): Promise<string[]> {
  const routes = await listRoutes(family)
  const used = networks.map(parseCidr).flatMap((network) => {
    const inside = routes.filter(({ destination }) => covers(network, destination))
    const around = routes.filter(({ destination }) => covers(destination, network))
    return [...inside, ...around.filter((route) => !around.some((other) => isNarrower(other, route)))]
  })
  return [...new Set(used.flatMap(({ interfaces }) => interfaces))]
}

/** `ip` shows a network of one address without its prefix length. */
export function withPrefixLength(destination: string, family: 4 | 6): string {
  if (destination === 'default' || destination.includes('/')) return destination
  return `${destination}/${family === 4 ? 32 : 128}`
}

async function listRoutes(family: 4 | 6): Promise<Route[]> {
  const args = [`-${family}`, 'route', 'show', 'table', 'all', 'type', 'unicast']
  return (await readIpJson<RouteJson>(args)).map(({ dst, dev, nexthops = [], table = 'main' }) => ({
    table,
    destination: parseCidr(dst === 'default' ? WHOLE[family] : withPrefixLength(dst, family)),
    interfaces: [dev, ...nexthops.map((hop) => hop.dev)].filter((name) => name !== undefined),
  }))
}

function covers(outer: Cidr, inner: Cidr): boolean {
  return outer.first <= inner.first && inner.last <= outer.last
}

function isNarrower(one: Route, other: Route): boolean {
  return one.table === other.table && one.destination.prefixLength > other.destination.prefixLength
}
