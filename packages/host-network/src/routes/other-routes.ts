import { CidrSet } from '@reversed-vpn/ip'
import { withPrefixLength } from '../kernel/route-interfaces.js'
import { readIpJsonBatch } from '../kernel/run-tool.js'
import type { FamilyPlan } from '../plan/network-plan.js'
import { isRouteOf, type RouteJson } from './owned-state.js'

/**
 * Where routes of others, tunnels of other names among them, lead into the networks of each family: a part of one, or the whole.
 *
 * @returns canonical CIDRs
 * @throws NetworkError as `runTool`
 */
export async function findOtherRoutes(
  tun: string,
  families: readonly FamilyPlan[],
): Promise<ReadonlyMap<4 | 6, readonly string[]>> {
  return new Map(
    await Promise.all(
      families.map(async ({ family, networks }) => [family, await findIn(tun, family, networks)] as const),
    ),
  )
}

async function findIn(tun: string, family: 4 | 6, networks: readonly string[]): Promise<string[]> {
  const lines = CidrSet.of(networks)
    .toStrings()
    .map((network) => `route show table all root ${network}`)
  const routes = (await readIpJsonBatch(family, lines)).flat() as RouteJson[]
  return CidrSet.of(
    routes
      .filter((route) => !isRouteOf(tun, route))
      .filter(({ type = 'unicast', dst }) => type === 'unicast' && dst !== 'default')
      .map(({ dst }) => withPrefixLength(dst, family)),
  ).toStrings()
}
