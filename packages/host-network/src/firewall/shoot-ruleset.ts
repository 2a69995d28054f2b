import type { FamilyPlan, ResolvedShootPlan } from '../plan/network-plan.js'
import {
  addressMatch,
  clampLines,
  countedDrop,
  ESTABLISHED,
  guardChain,
  INVALID,
  leavingChain,
  type NftChain,
  relatedErrors,
  renderSet,
  renderTable,
  silenceLine,
} from './nft-table.js'

/** What the shoot side drops, each with a counter of that name in the table. */
export const SHOOT_DROP_COUNTERS = [
  'transfer_address_astray',
  'conntrack_invalid',
  'source_not_seed',
  'destination_refused',
  'destination_not_allowed',
  'local_own_port',
  'local_not_node',
  'egress_interface_other',
  'back_into_tunnel',
  'to_seed_not_reply',
  'beside_tunnel',
] as const
export type ShootDropCounter = (typeof SHOOT_DROP_COUNTERS)[number]

/**
 * The nft script of the shoot side. From the TUN comes what the seed's transfer address sends to the shoot's networks,
 * judged before DNAT (a service address) and after it (the pod behind it); into it go answers alone. What is forwarded
 * gets the address of the interface it leaves by, so that the receiver can answer.
 */
export function renderShootRuleset(plan: ResolvedShootPlan): string {
  const { tun, families } = plan
  const sets = families.flatMap(({ family, networks, nodeNetworks, refused }) => [
    renderSet('networks', family, networks),
    renderSet('nodes', family, nodeNetworks),
    renderSet('refused', family, refused),
  ])
  return renderTable(tun, SHOOT_DROP_COUNTERS, sets, [
    // Chains are declared before the rules that jump to them.
    { name: 'destinations', lines: destinationLines(families) },
    { name: 'from_seed', lines: fromSeedLines(families) },
    { name: 'forward_from_seed', lines: forwardFromSeedLines(plan) },
    { name: 'local_from_seed', lines: localFromSeedLines(plan) },
    { name: 'to_seed', lines: toSeedLines(families) },
    guardChain(tun, families),
    ...baseChains(tun, families),
    leavingChain(tun, families),
    { name: 'postrouting', lines: masqueradeLines(tun, families) },
  ])
}

function baseChains(tun: string, families: readonly FamilyPlan[]): NftChain[] {
  return [
    {
      name: 'prerouting',
      lines: [
        // Behind conntrack, before anyone's DNAT: the destination is still what the seed asked for.
        'type filter hook prerouting priority dstnat - 10; policy accept;',
        `iifname "${tun}" jump from_seed`,
      ],
    },
    {
      name: 'input',
      lines: [
        'type filter hook input priority filter - 10; policy accept;',
        `iifname "${tun}" jump local_from_seed`,
        // An answer of a pod that is not of its connection any more: it still has our address as its destination.
        ...families.map(
          ({ family }) => `${addressMatch(family, 'saddr')} @networks${family} meta l4proto tcp ${INVALID}`,
        ),
      ],
    },
    {
      name: 'forward',
      lines: [
        'type filter hook forward priority filter - 10; policy accept;',
        ...clampLines(tun),
        `iifname "${tun}" jump forward_from_seed`,
        `oifname "${tun}" jump to_seed`,
      ],
    },
    {
      name: 'output',
      lines: [
        'type filter hook output priority filter - 10; policy accept;',
        silenceLine(tun),
        `oifname "${tun}" jump to_seed`,
      ],
    },
  ]
}

function fromSeedLines(families: readonly FamilyPlan[]): string[] {
  return [
    ...families.map(
      ({ family, seedAddress }) => `${addressMatch(family, 'saddr')} ${seedAddress} ${ESTABLISHED}`,
    ),
    // Any router on the path may report on an answer of the shoot.
    ...families.map(({ family }) => `${relatedErrors(family)} goto destinations`),
    ...families.map(
      ({ family, seedAddress }) => `${addressMatch(family, 'saddr')} ${seedAddress} goto destinations`,
    ),
    countedDrop('source_not_seed'),
  ]
}

function destinationLines(families: readonly FamilyPlan[]): string[] {
  return [
    ...families.flatMap(({ family }) => [
      `${addressMatch(family, 'daddr')} @refused${family} ${countedDrop('destination_refused')}`,
      `${addressMatch(family, 'daddr')} @networks${family} accept`,
    ]),
    countedDrop('destination_not_allowed'),
  ]
}

function forwardFromSeedLines({ tun, egressInterface }: ResolvedShootPlan): string[] {
  return [
    `oifname "${tun}" ${countedDrop('back_into_tunnel')}`,
    ...(egressInterface === 'auto'
      ? []
      : [`oifname != "${egressInterface}" ${countedDrop('egress_interface_other')}`]),
    ESTABLISHED,
    INVALID,
    'goto destinations',
  ]
}

function localFromSeedLines({ families, ownPorts }: ResolvedShootPlan): string[] {
  return [
    ...(ownPorts.length === 0
      ? []
      : [`meta l4proto { tcp, udp } th dport { ${ownPorts.join(', ')} } ${countedDrop('local_own_port')}`]),
    // A broadcast address of a node network is delivered here as well, and is no address of this node.
    `fib daddr type != local ${countedDrop('local_not_node')}`,
    INVALID,
    ...families.flatMap(({ family }) => [
      `${addressMatch(family, 'daddr')} @refused${family} ${countedDrop('destination_refused')}`,
      `${addressMatch(family, 'daddr')} @nodes${family} accept`,
    ]),
    countedDrop('local_not_node'),
  ]
}

function toSeedLines(families: readonly FamilyPlan[]): string[] {
  return [
    // The kernel ties its own reports to the connection they quote, even one whose first packet goes no further.
    ...families.flatMap(({ family, seedAddress }) => {
      const toSeed = `${addressMatch(family, 'daddr')} ${seedAddress} ct direction reply`
      return [`${toSeed} ct state established accept`, `${toSeed} ${relatedErrors(family)} accept`]
    }),
    INVALID,
    countedDrop('to_seed_not_reply'),
  ]
}

function masqueradeLines(tun: string, families: readonly FamilyPlan[]): string[] {
  return [
    'type nat hook postrouting priority srcnat; policy accept;',
    // The interface that a packet came by is not known any more here; its source is, and `guard` vouches for it.
    ...families.map(
      ({ family, seedAddress }) =>
        `oifname != "${tun}" ${addressMatch(family, 'saddr')} ${seedAddress} masquerade`,
    ),
  ]
}
