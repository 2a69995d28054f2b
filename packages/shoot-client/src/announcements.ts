import { NetworkError } from '@reversed-vpn/host-network'
import { CidrSet, type ShootNetworks } from '@reversed-vpn/ip'
import type { WelcomeMessage } from '@reversed-vpn/protocol'

/** What of WELCOME makes addresses, routes and firewall. */
type Announced = Pick<WelcomeMessage, 'addresses' | 'mtu' | 'networks'>

/**
 * What all seed-servers that are served at the same time announce: the union of their networks and the smallest MTU. The
 * interface has one pair of addresses, so those must be the same.
 * @throws NetworkError ERR_TRANSFER_NETWORK_CONFLICT
 */
export function joinAnnouncements(newest: Announced, others: readonly Announced[]): Announced {
  for (const { addresses } of others) checkSame(newest.addresses, addresses)
  return {
    addresses: newest.addresses,
    mtu: Math.min(newest.mtu, ...others.map(({ mtu }) => mtu)),
    networks: joinNetworks([newest, ...others]),
  }
}

function checkSame(newest: Announced['addresses'], other: Announced['addresses']): void {
  for (const side of ['seed', 'shoot'] as const) {
    const [seen, expected] = [newest[side], other[side]].map((addresses) => [...addresses].sort().join(', '))
    if (seen === expected) continue
    const text = `it announces ${seen} for the ${side} side, another seed-server that is served has announced ${expected}`
    throw new NetworkError('ERR_TRANSFER_NETWORK_CONFLICT', text)
  }
}

/** All networks of them. */
export function joinNetworks(announced: readonly Pick<Announced, 'networks'>[]): ShootNetworks {
  const all = announced.map(({ networks }) => networks)
  const [first] = all
  // Written as it was announced, so that nothing is written anew.
  if (first !== undefined && all.every((other) => JSON.stringify(other) === JSON.stringify(first)))
    return first
  const join = (kind: keyof ShootNetworks) =>
    CidrSet.of(all.flatMap((networks) => networks[kind])).toStrings()
  return { pod: join('pod'), service: join('service'), node: join('node') }
}
