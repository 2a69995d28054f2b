import type { DaemonContext } from '@reversed-vpn/daemon'
import type { SeedNetworkPlan } from '@reversed-vpn/host-network'
import {
  allNetworks,
  CidrSet,
  findTransferProblem,
  type ShootNetworks,
  type TransferAddress,
  transferAddressOf,
} from '@reversed-vpn/ip'
import type { NetworkOptions, SetupOptions, TunnelOptions } from './options.js'

/** The networks and addresses of the tunnel, as options say them. */
export interface LinkSetting {
  readonly networks: ShootNetworks
  readonly seedAddresses: readonly TransferAddress[]
  readonly shootAddresses: readonly TransferAddress[]
  /** What the machine has to look like, on either side. */
  readonly plan: SeedNetworkPlan
}

/** What `--pod-network` and its siblings say, in as few networks as there can be. */
export function networksOf({ podNetwork, serviceNetwork, nodeNetwork }: NetworkOptions): ShootNetworks {
  const merged = (networks: readonly string[]) => CidrSet.of(networks).toStrings()
  return { pod: merged(podNetwork), service: merged(serviceNetwork), node: merged(nodeNetwork) }
}

/** @throws UsageError naming the flag */
export function resolveLink(
  options: NetworkOptions &
    Pick<SetupOptions, 'vpnNetwork' | 'tun' | 'mtu'> &
    Partial<Pick<TunnelOptions, 'carry'>>,
  context: Pick<DaemonContext, 'optionError'>,
): LinkSetting {
  const { vpnNetwork, tun, mtu } = options
  const networks = networksOf(options)
  if (allNetworks(networks).length === 0) {
    throw context.optionError(
      'pod-network',
      'at least one of --pod-network, --service-network, --node-network is required',
    )
  }
  // Without packets there is nobody with an address of these.
  const problem = options.carry === 'streams' ? undefined : findTransferProblem(vpnNetwork, networks)
  if (problem !== undefined) throw context.optionError('vpn-network', problem)
  const seedAddresses = vpnNetwork.map((network) => transferAddressOf(network, 'seed'))
  const shootAddresses = vpnNetwork.map((network) => transferAddressOf(network, 'shoot'))
  const plan = {
    tun,
    mtu,
    seedAddresses: seedAddresses.map(({ cidr }) => cidr),
    shootAddresses: shootAddresses.map(({ cidr }) => cidr),
    networks,
  }
  return { networks, seedAddresses, shootAddresses, plan }
}
