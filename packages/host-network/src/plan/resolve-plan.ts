import type { ShootNetworks } from '@reversed-vpn/ip'
import {
  type Cidr,
  CidrSet,
  FORBIDDEN_DESTINATIONS,
  parseCidr,
  parseTransferAddress,
  type TransferAddress,
} from '@reversed-vpn/ip'
import type {
  FamilyPlan,
  LinkPlan,
  NetworkKind,
  ResolvedLinkPlan,
  ResolvedSeedPlan,
  ResolvedShootPlan,
  RoutedSources,
  SeedNetworkPlan,
  ShootNetworkPlan,
} from './network-plan.js'
import { checkInteger, checkInterfaceName, invalid, parseNamed } from './plan-checks.js'

/**
 * Packets the TUN queues for us before it drops: entries, not bytes, each up to 64 KiB. With 100, a daemon that waits for a
 * processor loses small packets; 1000 gain nothing. Also the kernel's default.
 */
const TX_QUEUE_PACKETS = 500

const NETWORK_KINDS = ['pod', 'service', 'node'] as const satisfies readonly NetworkKind[]

/** Linux's floor for IPv4; IPv6 asks for more (RFC 8200 §5). */
const MIN_MTU = { 4: 576, 6: 1280 } as const
const MAX_MTU = 65_535

/** @throws NetworkError ERR_NETWORK_PLAN_INVALID that names the value */
export function resolveSeedPlan(plan: SeedNetworkPlan): ResolvedSeedPlan {
  const { peerAddresses = [], routedFrom = [] } = plan
  return { ...resolveLinkPlan(plan), peerAddresses, routedFrom: resolveSources(routedFrom) }
}

/** @throws NetworkError ERR_NETWORK_PLAN_INVALID that names the value */
export function resolveShootPlan(plan: ShootNetworkPlan): ResolvedShootPlan {
  const egressInterface = plan.egressInterface ?? 'auto'
  checkInterfaceName('egress interface', egressInterface)
  const ownPorts = [...new Set(plan.ownPorts ?? [])]
  for (const port of ownPorts) checkInteger('own port', port, 1, 65_535)
  return { ...resolveLinkPlan(plan), egressInterface, ownPorts }
}

function resolveSources(sources: readonly string[]): RoutedSources {
  const what = 'source of routed packets'
  const cidrs = sources.filter((source) => source.includes('/'))
  const ofFamily = (family: 4 | 6) =>
    CidrSet.of(cidrs.filter((cidr) => parseNamed(what, cidr, parseCidr).family === family)).toStrings()
  const interfaces = unique(sources.filter((source) => !source.includes('/'))).toSorted()
  for (const name of interfaces) checkInterfaceName(what, name)
  return { interfaces, networks: { 4: ofFamily(4), 6: ofFamily(6) } }
}

function resolveLinkPlan(plan: LinkPlan): ResolvedLinkPlan {
  checkInterfaceName('TUN', plan.tun)
  const txQueueLength = plan.txQueueLength ?? TX_QUEUE_PACKETS
  checkInteger('transmit queue length', txQueueLength, 1, 100_000)
  const networks = parseNetworks(plan.networks)
  const families = ([4, 6] as const)
    .map((family) => resolveFamily(family, plan, networks))
    .filter((resolved) => resolved !== undefined)
  if (families.length === 0) throw invalid('no network behind the tunnel is given')
  for (const { family } of families) checkInteger('MTU', plan.mtu, MIN_MTU[family], MAX_MTU)
  return {
    tun: plan.tun,
    mtu: plan.mtu,
    txQueueLength,
    families,
    networks: [
      ...networks.map(({ kind, cidr }) => ({ kind, cidr: cidr.text })),
      ...families.map(({ transferNetwork }) => ({ kind: 'transfer' as const, cidr: transferNetwork })),
    ],
  }
}

function resolveFamily(
  family: 4 | 6,
  plan: LinkPlan,
  allNetworks: readonly ParsedNetwork[],
): FamilyPlan | undefined {
  const networks = allNetworks.filter(({ cidr }) => cidr.family === family)
  if (networks.length === 0) return undefined
  const seed = findTransferAddress(family, 'seed', plan.seedAddresses)
  const shoot = findTransferAddress(family, 'shoot', plan.shootAddresses)
  if (seed.network !== shoot.network || seed.address === shoot.address) {
    throw invalid(
      `transfer addresses ${seed.cidr} and ${shoot.cidr} are not two addresses of one transfer network`,
    )
  }
  const refused = FORBIDDEN_DESTINATIONS.filter((cidr) => parseCidr(cidr).family === family)
  return {
    family,
    seedAddress: canonical(seed),
    shootAddress: canonical(shoot),
    transferNetwork: seed.network,
    prefixLength: parseCidr(seed.network).prefixLength,
    networks: unique(networks.map(({ cidr }) => cidr.text)),
    nodeNetworks: unique(networks.filter(({ kind }) => kind === 'node').map(({ cidr }) => cidr.text)),
    refused: CidrSet.of([...refused, seed.network]).toStrings(),
  }
}

interface ParsedNetwork {
  readonly kind: NetworkKind
  readonly cidr: Cidr
}

function parseNetworks(networks: ShootNetworks): ParsedNetwork[] {
  return NETWORK_KINDS.flatMap((kind) =>
    networks[kind].map((text) => {
      const cidr = parseNamed(`${kind} network`, text, parseCidr)
      if (cidr.prefixLength === 0) throw invalid(`${kind} network ${text} covers every address`)
      return { kind, cidr }
    }),
  )
}

function findTransferAddress(
  family: 4 | 6,
  side: 'seed' | 'shoot',
  texts: readonly string[],
): TransferAddress {
  const found = texts
    .map((text) => parseNamed(`transfer address of the ${side}`, text, parseTransferAddress))
    .filter((address) => address.family === family)
  const [address] = found
  if (address === undefined) {
    throw invalid(`there is an IPv${family} network and no IPv${family} transfer address of the ${side}`)
  }
  if (found.length > 1) {
    throw invalid(`the ${side} has ${found.length} IPv${family} transfer addresses, expected one`)
  }
  return address
}

/** As the kernel writes it. */
function canonical({ family, address }: TransferAddress): string {
  return parseCidr(`${address}/${family === 4 ? 32 : 128}`).text.replace(/\/.*/, '')
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}
