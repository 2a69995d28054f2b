import type { DaemonContext } from '@reversed-vpn/daemon'
import type { SeedNetworkPlan } from '@reversed-vpn/host-network'
import {
  allNetworks,
  findTransferProblem,
  type ShootNetworks,
  type TransferAddress,
  transferAddressOf,
} from '@reversed-vpn/ip'
import type { SetupOptions } from './options.js'

/** What the daemon and `setup` have in common. */
export interface NetworkSetting {
  readonly networks: ShootNetworks
  readonly seedAddresses: readonly TransferAddress[]
  readonly shootAddresses: readonly TransferAddress[]
  /** What the machine has to look like. */
  readonly plan: SeedNetworkPlan
}

/** @throws UsageError naming the flag */
export function resolveNetworks(
  options: Pick<SetupOptions, 'podNetwork' | 'serviceNetwork' | 'nodeNetwork' | 'vpnNetwork' | 'tun' | 'mtu'>,
  context: Pick<DaemonContext, 'optionError'>,
): NetworkSetting {
  const { vpnNetwork, tun, mtu } = options
  const networks = { pod: options.podNetwork, service: options.serviceNetwork, node: options.nodeNetwork }
  if (allNetworks(networks).length === 0) {
    throw context.optionError(
      'pod-network',
      'at least one of --pod-network, --service-network, --node-network is needed',
    )
  }
  const problem = findTransferProblem(vpnNetwork, networks)
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
