import { readFile } from 'node:fs/promises'
import { runTool } from '../kernel/run-tool.js'
import {
  type DecidingRule,
  dropsTunnel,
  FOREIGN_HOOKS,
  type ForeignHook,
  type NftExpression,
  readIptablesRule,
  readNftRule,
} from './foreign-rules.js'

/** A chain of somebody else that drops what the tunnel carries, by its policy or by a rule for everything. */
export interface ForeignDrop {
  readonly hook: ForeignHook
  /** As its tool names it: `ip filter FORWARD`, `iptables-legacy FORWARD`. */
  readonly name: string
}

interface NftChain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly type?: string
  readonly hook?: string
  readonly policy?: string
}

interface NftListing {
  readonly nftables: readonly {
    readonly chain?: NftChain
    readonly rule?: { readonly expr?: readonly NftExpression[] }
  }[]
}

const LEGACY = [
  { tool: 'iptables-legacy', tables: '/proc/net/ip_tables_names' },
  { tool: 'ip6tables-legacy', tables: '/proc/net/ip6_tables_names' },
] as const
/** Of bridges, ARP and single devices no packet of the tunnel is seen. */
const FAMILIES = ['ip', 'ip6', 'inet']
/** Each is a process of its own: nft reads no more than the rules of one chain then. */
const MAX_CHAINS = 32
/** How the table of each tunnel begins. */
const OURS = 'reversed_vpn_'
/** What may stand on a command line of nft. */
const NAME = /^[\w./-]+$/

/**
 * Chains of nftables, iptables-nft and iptables-legacy that drop what our own firewall accepted: by their policy, or by a rule
 * for every packet or every one of the TUN, unless such a rule before accepts it. Rules that look at more of a packet are not
 * looked at. Empty where they can't be read, without CAP_NET_ADMIN for one.
 */
export async function findForeignDrops(tun: string): Promise<ForeignDrop[]> {
  const [nftables, ...legacy] = await Promise.all([
    findInNftables(tun),
    ...LEGACY.map((one) => findInLegacy(one, tun)),
  ])
  return [...nftables, ...legacy.flat()]
}

async function findInNftables(tun: string): Promise<ForeignDrop[]> {
  const { nftables } = await list('list chains')
  const chains = nftables.flatMap(({ chain }) => (chain !== undefined && isOfOthers(chain) ? [chain] : []))
  const found: ForeignDrop[] = []
  for (const [index, chain] of chains.entries()) {
    const hook = FOREIGN_HOOKS.find((known) => known === chain.hook)
    if (hook === undefined) continue
    const rules = index < MAX_CHAINS ? await readRules(chain) : []
    if (!dropsTunnel(rules, { hook, policy: chain.policy ?? 'accept', tun })) continue
    found.push({ hook, name: `${chain.family} ${chain.table} ${chain.name}` })
  }
  return found
}

function isOfOthers({ family, table, type, hook }: NftChain): boolean {
  return hook !== undefined && FAMILIES.includes(family) && !table.startsWith(OURS) && type !== 'nat'
}

async function readRules({ family, table, name }: NftChain): Promise<DecidingRule[]> {
  if (!NAME.test(table) || !NAME.test(name)) return []
  const { nftables } = await list(`list chain ${family} ${table} ${name}`)
  return nftables.flatMap(({ rule }) => readNftRule(rule?.expr ?? []) ?? [])
}

async function list(command: string): Promise<NftListing> {
  const text = await runTool('nft', ['--json', command]).catch(() => '{"nftables":[]}')
  return JSON.parse(text) as NftListing
}

/** Its tool would load the table where it is not there; that a table is there, the kernel tells. */
async function findInLegacy({ tool, tables }: (typeof LEGACY)[number], tun: string): Promise<ForeignDrop[]> {
  const names = await readFile(tables, 'utf8').catch(() => '')
  if (!names.split('\n').includes('filter')) return []
  const text = await runTool(tool, ['-S']).catch(() => '')
  const rules = text.split('\n').flatMap((line) => readIptablesRule(line) ?? [])
  return FOREIGN_HOOKS.flatMap((hook) => {
    const chain = hook.toUpperCase()
    const policy = text.includes(`-P ${chain} DROP\n`) ? 'drop' : 'accept'
    const ofChain = rules.filter((one) => one.chain === chain).map(({ rule }) => rule)
    return dropsTunnel(ofChain, { hook, policy, tun }) ? [{ hook, name: `${tool} ${chain}` }] : []
  })
}
