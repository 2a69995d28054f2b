import { readFile } from 'node:fs/promises'
import { runTool } from '../kernel/run-tool.js'

/** Where a packet of the tunnel may be dropped by others. */
export const FOREIGN_HOOKS = ['input', 'forward', 'output'] as const
type ForeignHook = (typeof FOREIGN_HOOKS)[number]

/** A chain of somebody else that drops whatever none of its rules accepts. */
export interface ForeignDrop {
  readonly hook: ForeignHook
  /** As its tool names it: `ip filter FORWARD`, `iptables-legacy FORWARD`. */
  readonly name: string
}

interface ChainListing {
  readonly nftables: readonly {
    readonly chain?: {
      readonly family: string
      readonly table: string
      readonly name: string
      readonly hook?: string
      readonly policy?: string
    }
  }[]
}

const LEGACY = [
  { tool: 'iptables-legacy', tables: '/proc/net/ip_tables_names' },
  { tool: 'ip6tables-legacy', tables: '/proc/net/ip6_tables_names' },
] as const

/**
 * Chains of nftables, iptables-nft and iptables-legacy with policy `drop`: each drops what our own firewall accepted, unless a
 * rule of theirs accepts it too, which is not looked at. Empty where they can't be read, without CAP_NET_ADMIN for one.
 */
export async function findForeignDrops(): Promise<ForeignDrop[]> {
  const [nftables, ...legacy] = await Promise.all([findInNftables(), ...LEGACY.map(findInLegacy)])
  return [...nftables, ...legacy.flat()]
}

async function findInNftables(): Promise<ForeignDrop[]> {
  const text = await runTool('nft', ['--json', 'list', 'chains']).catch(() => '{"nftables":[]}')
  const { nftables } = JSON.parse(text) as ChainListing
  return nftables.flatMap(({ chain }) => {
    const hook = FOREIGN_HOOKS.find((known) => known === chain?.hook)
    if (chain?.policy !== 'drop' || hook === undefined) return []
    return [{ hook, name: `${chain.family} ${chain.table} ${chain.name}` }]
  })
}

/** Its tool would load the table where it is not there; that a table is there, the kernel tells. */
async function findInLegacy({ tool, tables }: (typeof LEGACY)[number]): Promise<ForeignDrop[]> {
  const names = await readFile(tables, 'utf8').catch(() => '')
  if (!names.split('\n').includes('filter')) return []
  const rules = await runTool(tool, ['-S']).catch(() => '')
  return FOREIGN_HOOKS.flatMap((hook) => {
    const chain = hook.toUpperCase()
    return rules.includes(`-P ${chain} DROP\n`) ? [{ hook, name: `${tool} ${chain}` }] : []
  })
}
