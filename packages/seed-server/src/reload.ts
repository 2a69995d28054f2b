import { isIP } from 'node:net'
import {
  countReloads,
  type DaemonContext,
  type Registry,
  Reloader,
  type ReloadPart,
} from '@reversed-vpn/daemon'
import type { EgressNetworks, EgressProxy } from '@reversed-vpn/egress-proxy'
import type { SeedNetworkPlan, UpdatableNetwork } from '@reversed-vpn/host-network'
import { allNetworks, CidrSet, FORBIDDEN_DESTINATIONS, type ShootNetworks } from '@reversed-vpn/ip'
import type { ExpiryWatch, TlsChange, TlsMaterial } from '@reversed-vpn/secure'
import { TRUST_GRACE_DEAD_TIMES } from '@reversed-vpn/session'
import { PREFIX } from './metrics.js'
import { resolveNetworks } from './network-setting.js'
import type { SeedServerOptions } from './options.js'
import type { Setting, WatchedTls } from './setting.js'
import type { SessionTable } from './tunnel/session-table.js'

/** What takes up what is new. */
export interface ReloadTargets {
  readonly table: SessionTable
  readonly egress: EgressProxy
  readonly expiry: ExpiryWatch
  readonly network: UpdatableNetwork<SeedNetworkPlan>
  /** Counts for every connection of the tunnel from now on. */
  readonly setTunnelTls: (material: TlsMaterial, isTrustNarrower: boolean) => void
}

/** Where callers of the egress proxy may go. */
export function egressNetworks(networks: ShootNetworks, transferNetworks: readonly string[]): EgressNetworks {
  return {
    allowed: CidrSet.of(allNetworks(networks)),
    refused: CidrSet.of([...FORBIDDEN_DESTINATIONS, ...transferNetworks]),
  }
}

/** Takes up certificates and networks while the daemon runs. */
export function createReloader(
  setting: Setting,
  targets: ReloadTargets,
  context: DaemonContext<SeedServerOptions>,
  registry: Registry,
): Reloader {
  const { expiry, egress } = targets
  const tunnel = tlsPart('tunnel-tls', setting.tunnelTls, (material, change) => {
    takeTunnelTls(setting, targets, material, change)
    expiry.set('tunnel', material.certificates)
  })
  const egressPart =
    setting.egressTls &&
    tlsPart('egress-tls', setting.egressTls, (material) => {
      egress.setTlsMaterial(material)
      expiry.set('egress', material.certificates)
    })
  const networks = networksPart(setting, targets, context)
  const parts = [tunnel, egressPart, networks].filter((part) => part !== undefined)
  return new Reloader({
    parts,
    log: context.log.child({ component: 'reload' }),
    onOutcome: countReloads(
      registry,
      PREFIX,
      parts.map(({ name }) => name),
    ),
  })
}

function tlsPart(
  name: string,
  { keeper, seen }: WatchedTls,
  take: (material: TlsMaterial, change: TlsChange) => void,
): ReloadPart {
  return { name, files: keeper.files, seen, reload: () => keeper.reload(take) }
}

/** Who was let in by what does not count any more has that long to come again. */
function takeTunnelTls(
  { options }: Setting,
  { table, setTunnelTls }: ReloadTargets,
  material: TlsMaterial,
  { isOwnNew, isTrustNarrower }: TlsChange,
): void {
  setTunnelTls(material, isTrustNarrower)
  if (isTrustNarrower) table.renewLanes(TRUST_GRACE_DEAD_TIMES * options.deadAfterMs)
  else if (isOwnNew) table.renewLanes()
}

function networksPart(
  { options }: Setting,
  { table, egress, network }: ReloadTargets,
  { config, log }: DaemonContext<SeedServerOptions>,
): ReloadPart | undefined {
  if (config === undefined) return undefined
  const { path, seen, reread } = config
  const reload = async () => {
    const { values, changed, ...context } = reread()
    const { podNetwork, serviceNetwork, nodeNetwork } = values
    const { networks, plan } = resolveNetworks(
      { ...options, podNetwork, serviceNetwork, nodeNetwork },
      context,
    )
    const others = changed.filter((flag) => !/^(pod|service|node)-network$/.test(flag))
    if (others.length > 0)
      log.warn({ file: path, options: others }, 'changed options count from the next start on')
    if (JSON.stringify(networks) === JSON.stringify(table.networks)) return undefined
    const peerAddresses = table.sessions
      .map(({ peer }) => peer.remoteAddress)
      .filter((address) => isIP(address) !== 0)
    await network.update({ ...plan, peerAddresses })
    table.setNetworks(networks)
    egress.setNetworks(egressNetworks(networks, options.vpnNetwork))
    return { file: path, networks }
  }
  return { name: 'networks', files: [path], seen, reload }
}
