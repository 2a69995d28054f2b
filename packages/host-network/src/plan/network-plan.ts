import type { ShootNetworks } from '@reversed-vpn/ip'

export type NetworkKind = keyof ShootNetworks

/** What both sides say about the wanted state. */
export interface LinkPlan {
  /** Name of the TUN, which exists already. */
  readonly tun: string
  /** Bytes, 576 (1280 with IPv6) to 65535. */
  readonly mtu: number
  /** Packets. @default TX_QUEUE_PACKETS */
  readonly txQueueLength?: number
  /** The seed's transfer address of each family, with the prefix length of the transfer network: `192.168.123.1/24`. */
  readonly seedAddresses: readonly string[]
  /** The shoot's, likewise: `192.168.123.2/24`. */
  readonly shootAddresses: readonly string[]
  readonly networks: ShootNetworks
}

export interface SeedNetworkPlan extends LinkPlan {
  /** Addresses of tunnel peers, as far as they are known; a network may not cover one. @default none */
  readonly peerAddresses?: readonly string[]
  /** Sources, as CIDRs, and names of interfaces. What comes from elsewhere is not forwarded into the TUN. @default none */
  readonly routedFrom?: readonly string[]
}

export interface ShootNetworkPlan extends LinkPlan {
  /** The one interface that packets from the tunnel may be forwarded to, `auto` for whatever the routes say. @default 'auto' */
  readonly egressInterface?: string
  /** TCP and UDP ports of this machine that are never reached through the tunnel. @default none */
  readonly ownPorts?: readonly number[]
}

/** One family of a plan. A family is in use where it has transfer addresses and at least one network. */
export interface FamilyPlan {
  readonly family: 4 | 6
  readonly seedAddress: string
  readonly shootAddress: string
  /** Canonical CIDR. */
  readonly transferNetwork: string
  readonly prefixLength: number
  /** Canonical CIDRs of all kinds, each once. */
  readonly networks: readonly string[]
  readonly nodeNetworks: readonly string[]
  /** What is refused inside an allowed network too. */
  readonly refused: readonly string[]
}

/** A network with the flag it came from, for messages. */
export interface NamedNetwork {
  readonly kind: NetworkKind | 'transfer'
  readonly cidr: string
}

export interface ResolvedLinkPlan {
  readonly tun: string
  readonly mtu: number
  readonly txQueueLength: number
  readonly families: readonly FamilyPlan[]
  readonly networks: readonly NamedNetwork[]
}
/** What may be forwarded into the TUN, in an order that does not depend on how it was given. */
export interface RoutedSources {
  readonly interfaces: readonly string[]
  /** Canonical CIDRs of each family. */
  readonly networks: Readonly<Record<4 | 6, readonly string[]>>
}

export interface ResolvedSeedPlan extends ResolvedLinkPlan {
  readonly peerAddresses: readonly string[]
  readonly routedFrom: RoutedSources
}
export interface ResolvedShootPlan extends ResolvedLinkPlan {
  readonly egressInterface: string
  readonly ownPorts: readonly number[]
}
