import { runTool } from '../kernel/run-tool.js'
import { nftTableName } from '../owned-names.js'
import type { SeedDropCounter } from './seed-ruleset.js'
import type { ShootDropCounter } from './shoot-ruleset.js'

export type DropCounter = SeedDropCounter | ShootDropCounter

interface NftListing {
  readonly nftables: readonly {
    readonly counter?: { readonly name: DropCounter; readonly packets: number }
  }[]
}

/**
 * Packets that the firewall of that TUN dropped, by reason, since it was last put in place.
 *
 * @throws NetworkError as `runTool`, ERR_NETWORK_COMMAND also when there is no firewall of that TUN
 */
export async function readDropCounters(tun: string): Promise<ReadonlyMap<DropCounter, number>> {
  const text = await runTool('nft', ['--json', 'list', 'table', 'inet', nftTableName(tun)])
  const { nftables } = JSON.parse(text) as NftListing
  return new Map(
    nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets] as const] : [])),
  )
}
