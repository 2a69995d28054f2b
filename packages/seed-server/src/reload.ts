import { isDeepStrictEqual } from 'node:util'
import type { DaemonContext, ReloadPart } from '@reversed-vpn/daemon'
import type { EgressProxy } from '@reversed-vpn/egress-proxy'
import type { SeedNetworkPlan, UpdatableNetwork } from '@reversed-vpn/host-network'
import { networksOf, networksReloadPart, type TunnelReload, tlsReloadPart } from '@reversed-vpn/tunnel-daemon'
import { resolveAnnouncedLink } from './announced-link.js'
import { egressNetworks, transferNetworksOf } from './egress-networks.js'
import type { SeedServerOptions } from './options.js'
import type { Setting } from './setting.js'
import type { SessionTable } from './tunnel/session-table.js'

/** What is reloaded, and what uses it. */
interface SeedReload extends TunnelReload {
  readonly options: SeedServerOptions
  readonly setting: Setting
  readonly lanes: SessionTable
  readonly egress: EgressProxy
  /** Absent where no packets are carried. */
  readonly network: UpdatableNetwork<SeedNetworkPlan> | undefined
}

export function egressTlsPart({ setting, runtime, egress }: SeedReload): ReloadPart | undefined {
  const { egressTls } = setting
  return (
    egressTls && tlsReloadPart('egress', egressTls, runtime, (material) => egress.setTlsMaterial(material))
  )
}

/** Used by routes and firewall, by the lanes, and by the egress proxy; what may be routed there, by the firewall alone. */
export function networksPart(
  { options, lanes: table, egress, network }: SeedReload,
  context: DaemonContext<SeedServerOptions>,
): ReloadPart | undefined {
  let { routedFrom } = options
  return networksReloadPart(context, {
    flags: ['routed-from'],
    read: (values) => ({ networks: networksOf(values), routedFrom: values.routedFrom }),
    current: () => ({ networks: table.networks, routedFrom }),
    take: async (taken, optionError) => {
      const { networks } = taken
      const { pod: podNetwork, service: serviceNetwork, node: nodeNetwork } = networks
      const { plan } = resolveAnnouncedLink(
        { ...options, podNetwork, serviceNetwork, nodeNetwork, routedFrom: taken.routedFrom },
        { optionError },
      )
      await network?.update({ ...plan, peerAddresses: table.peerAddresses })
      routedFrom = taken.routedFrom
      if (isDeepStrictEqual(networks, table.networks)) return
      table.setNetworks(networks)
      egress.setNetworks(egressNetworks(networks, transferNetworksOf(options)))
    },
  })
}
