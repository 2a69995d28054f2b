import type { FamilyPlan, ResolvedSeedPlan } from '../plan/network-plan.js'
import {
  addressMatch,
  clampLines,
  countedDrop,
  ESTABLISHED,
  guardChain,
  INVALID,
  leavingChain,
  type NftChain,
  refillSet,
  relatedErrors,
  renderSet,
  renderTable,
  silenceLine,
} from './nft-table.js'

/** What the seed side drops, each with a counter of that name in the table. */
export const SEED_DROP_COUNTERS = [
  'transfer_address_astray',
  'conntrack_invalid',
  'from_shoot_not_reply',
  'to_shoot_refused',
  'to_shoot_not_allowed',
  'to_shoot_source_not_allowed',
  'beside_tunnel',
] as const
export type SeedDropCounter = (typeof SEED_DROP_COUNTERS)[number]

/**
 * The nft script of the seed side. From the TUN come answers alone, so the shoot opens no connection into the seed
 * (CVE-2019-12494); into it goes what is for the shoot's networks, from the transfer address:
 * of what this machine forwards, only what comes from a named source.
 */
export function renderSeedRuleset(plan: ResolvedSeedPlan): string {
  const { tun, families, routedFrom } = plan
  const sets = families.flatMap(({ family, networks, refused }) => [
    renderSet('networks', family, networks),
    renderSet('refused', family, refused),
    renderSet('routed', family, routedFrom.networks[family]),
    renderSet('elsewhere', family, []),
  ])
  return renderTable(tun, SEED_DROP_COUNTERS, sets, [
    // Chains are declared before the rules that jump to them.
    { name: 'from_shoot', lines: fromShootLines(families) },
    { name: 'to_shoot', lines: toShootLines(families) },
    { name: 'routed_to_shoot', lines: routedLines(plan) },
    guardChain(tun, families),
    ...baseChains(tun),
    leavingChain(tun, families, besideLines(families)),
    { name: 'postrouting', lines: sourceNatLines(tun, families) },
  ])
}

/**
 * Fills the set of what other routes of this machine lead to inside of the shoot's networks, which is empty at first. Theirs
 * are the more specific ones, and win.
 */
export function renderElsewhere(tun: string, elsewhere: ReadonlyMap<4 | 6, readonly string[]>): string {
  return [...elsewhere]
    .flatMap(([family, cidrs]) => refillSet(tun, 'elsewhere', family, cidrs))
    .map((line) => `${line}\n`)
    .join('')
}

function besideLines(families: readonly FamilyPlan[]): string[] {
  return families.map(({ family }) => {
    const destination = addressMatch(family, 'daddr')
    return `${destination} @networks${family} ${destination} != @elsewhere${family} ${countedDrop('beside_tunnel')}`
  })
}

function baseChains(tun: string): NftChain[] {
  const fromTun = `iifname "${tun}" jump from_shoot`
  const toTun = `oifname "${tun}" jump to_shoot`
  return [
    { name: 'input', lines: ['type filter hook input priority filter - 10; policy accept;', fromTun] },
    {
      name: 'forward',
      lines: [
        'type filter hook forward priority filter - 10; policy accept;',
        ...clampLines(tun),
        fromTun,
        `oifname "${tun}" ${INVALID}`,
        `oifname "${tun}" jump routed_to_shoot`,
      ],
    },
    {
      name: 'output',
      lines: ['type filter hook output priority filter - 10; policy accept;', silenceLine(tun), toTun],
    },
  ]
}

function fromShootLines(families: readonly FamilyPlan[]): string[] {
  return [
    'ct state established ct direction reply accept',
    // An error about a packet of ours travels in reply direction too, whichever router sent it.
    ...families.map(({ family }) => `ct direction reply ${relatedErrors(family)} accept`),
    INVALID,
    countedDrop('from_shoot_not_reply'),
  ]
}

function toShootLines(families: readonly FamilyPlan[]): string[] {
  return [
    ESTABLISHED,
    ...families.flatMap(({ family }) => [
      `${addressMatch(family, 'daddr')} @refused${family} ${countedDrop('to_shoot_refused')}`,
      `${addressMatch(family, 'daddr')} @networks${family} accept`,
    ]),
    countedDrop('to_shoot_not_allowed'),
  ]
}

/** Before the rule for established connections: a source that is no longer named is cut off at once. */
function routedLines({ families, routedFrom: { interfaces } }: ResolvedSeedPlan): string[] {
  return [
    ...interfaces.map((name) => `iifname "${name}" goto to_shoot`),
    ...families.flatMap(({ family }) => [
      `${addressMatch(family, 'saddr')} @routed${family} goto to_shoot`,
      // Any router on the path may report on an answer to such a source.
      `ct original ${addressMatch(family, 'saddr')} @routed${family} ${relatedErrors(family)} goto to_shoot`,
    ]),
    countedDrop('to_shoot_source_not_allowed'),
  ]
}

function sourceNatLines(tun: string, families: readonly FamilyPlan[]): string[] {
  return [
    'type nat hook postrouting priority srcnat; policy accept;',
    ...families.map(({ family, seedAddress }) => {
      const source = addressMatch(family, 'saddr')
      return `oifname "${tun}" ${source} != ${seedAddress} snat ${family === 4 ? 'ip' : 'ip6'} to ${seedAddress}`
    }),
  ]
}
