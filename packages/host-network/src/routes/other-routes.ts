import { CidrSet } from '@reversed-vpn/ip'
import { withPrefixLength } from '../kernel/route-interfaces.js'
import { readIpJsonBatch } from '../kernel/run-tool.js'
import { ownedNumber } from '../owned-names.js'
import type { FamilyPlan } from '../plan/network-plan.js'

interface RouteJson {
  readonly type?: string
  readonly dst: string
  readonly dev?: string
  readonly table?: string
  readonly metric?: number
}

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
  const number = ownedNumber(tun)
  return CidrSet.of(
    routes
      .filter(({ dev, metric, table }) => dev !== tun && metric !== number && table !== String(number))
      .filter(({ type = 'unicast', dst }) => type === 'unicast' && dst !== 'default')
      .map(({ dst }) => withPrefixLength(dst, family)),
  ).toStrings()
}
