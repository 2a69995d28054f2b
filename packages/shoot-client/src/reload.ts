import type { DaemonContext, ReloadPart } from '@reversed-vpn/daemon'
import { networksOf, networksReloadPart, type TunnelRuntime } from '@reversed-vpn/tunnel-daemon'
import type { Forwarding } from './forwarding.js'
import type { ShootClientOptions } from './options.js'
import type { SeedServers } from './seed-servers.js'
import type { Setting } from './setting.js'

export function gatewayCaPart({ gatewayCa }: Setting, { expiry }: TunnelRuntime): ReloadPart | undefined {
  if (gatewayCa === undefined) return undefined
  const { store, seen } = gatewayCa
  expiry.set('gateway', store.certificates)
  const reload = () => {
    const news = store.reload()
    expiry.set('gateway', store.certificates)
    return news
  }
  return { name: 'gateway-ca', files: [store.file], seen, reload }
}

/** Used by routes and firewall, and by the lanes. */
export function networksPart(
  forwarding: Forwarding,
  seedServers: SeedServers,
  context: DaemonContext<ShootClientOptions>,
): ReloadPart | undefined {
  return networksReloadPart(context, {
    read: (values) => ({ networks: networksOf(values) }),
    current: () => ({ networks: forwarding.allowed }),
    take: async ({ networks: allowed }) => {
      await forwarding.allow(allowed)
      seedServers.followNetworks()
    },
  })
}
