import { CidrSet, FORBIDDEN_DESTINATIONS, type OffloadKind, PacketChecker } from '@reversed-vpn/protocol'
import { allNetworks, type ShootNetworks } from './shoot-networks.js'
import type { TransferAddress } from './transfer-address.js'

export interface TrafficPolicyOptions {
  readonly networks: ShootNetworks
  /** The seed side's addresses, one in each transfer network. */
  readonly seedAddresses: readonly TransferAddress[]
  readonly mtu: number
  /** What our TUN takes in a frame. */
  readonly ownOffloads: readonly OffloadKind[]
  /** What the peer's TUN takes. */
  readonly peerOffloads: readonly OffloadKind[]
}

export interface TrafficCheckers {
  readonly toPeer: PacketChecker
  readonly fromPeer: PacketChecker
}

/**
 * What may travel. Towards the shoot: from the seed-server's transfer address to the shoot's networks, never to the transfer
 * network or an address that is refused always. Towards the seed: the other way round. Both sides keep both rules.
 */
export function createTrafficCheckers(
  side: 'seed' | 'shoot',
  options: TrafficPolicyOptions,
): TrafficCheckers {
  const networks = CidrSet.of(allNetworks(options.networks))
  const seedHosts = CidrSet.of(
    options.seedAddresses.map(({ address, family }) => `${address}/${family === 4 ? 32 : 128}`),
  )
  const transfer = options.seedAddresses.map(({ network }) => network)
  const toShoot = {
    sources: seedHosts,
    destinations: networks,
    refused: CidrSet.of([...FORBIDDEN_DESTINATIONS, ...transfer]),
    mtu: options.mtu,
  }
  const toSeed = {
    sources: networks,
    destinations: seedHosts,
    refused: CidrSet.of(FORBIDDEN_DESTINATIONS),
    mtu: options.mtu,
  }
  const [toPeer, fromPeer] = side === 'seed' ? [toShoot, toSeed] : [toSeed, toShoot]
  return {
    toPeer: new PacketChecker({ ...toPeer, accepts: options.peerOffloads }),
    fromPeer: new PacketChecker({ ...fromPeer, accepts: options.ownOffloads }),
  }
}
