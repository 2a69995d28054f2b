import type { TransferAddress } from '@reversed-vpn/ip'
import { allNetworks, CidrSet, FORBIDDEN_DESTINATIONS, type ShootNetworks } from '@reversed-vpn/ip'
import { type AddressPolicy, type OffloadKind, PacketChecker } from '@reversed-vpn/protocol'

/** What may travel, as plain data. */
export interface TrafficPolicy {
  readonly side: 'seed' | 'shoot'
  readonly networks: ShootNetworks
  /** The seed side's addresses, one in each transfer network. */
  readonly seedAddresses: readonly TransferAddress[]
  readonly mtu: number
  /** What our TUN takes in a frame. */
  readonly ownOffloads: readonly OffloadKind[]
  /** What the peer's TUN takes. */
  readonly peerOffloads: readonly OffloadKind[]
}

/**
 * What may travel. Towards the shoot: from the seed-server's transfer address to the shoot's networks, never
 * to the transfer network or an address that is always refused. Towards the seed: the reverse. Both sides
 * check both directions.
 */
export class TrafficCheckers {
  readonly toPeer: PacketChecker
  readonly fromPeer: PacketChecker
  #policy: TrafficPolicy

  constructor(policy: TrafficPolicy) {
    this.#policy = policy
    const { mtu, ownOffloads, peerOffloads } = policy
    const addresses = addressPolicies(policy)
    this.toPeer = new PacketChecker({ ...addresses.toPeer, mtu, accepts: peerOffloads })
    this.fromPeer = new PacketChecker({ ...addresses.fromPeer, mtu, accepts: ownOffloads })
  }

  /** Counts for every packet from now on, in both directions. */
  setNetworks(networks: ShootNetworks): void {
    this.#policy = { ...this.#policy, networks }
    const changed = addressPolicies(this.#policy)
    this.toPeer.setAddresses(changed.toPeer)
    this.fromPeer.setAddresses(changed.fromPeer)
  }
}

function addressPolicies({ side, networks: shootNetworks, seedAddresses }: TrafficPolicy): {
  readonly toPeer: AddressPolicy
  readonly fromPeer: AddressPolicy
} {
  const networks = CidrSet.of(allNetworks(shootNetworks))
  const seedHosts = CidrSet.of(
    seedAddresses.map(({ address, family }) => `${address}/${family === 4 ? 32 : 128}`),
  )
  const transfer = seedAddresses.map(({ network }) => network)
  const toShoot = {
    sources: seedHosts,
    destinations: networks,
    refused: CidrSet.of([...FORBIDDEN_DESTINATIONS, ...transfer]),
  }
  const toSeed = {
    sources: networks,
    destinations: seedHosts,
    refused: CidrSet.of(FORBIDDEN_DESTINATIONS),
  }
  return side === 'seed' ? { toPeer: toShoot, fromPeer: toSeed } : { toPeer: toSeed, fromPeer: toShoot }
}
