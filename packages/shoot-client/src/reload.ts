import {
  countReloads,
  type DaemonContext,
  type Registry,
  Reloader,
  type ReloadPart,
} from '@reversed-vpn/daemon'
import type { ShootNetworks } from '@reversed-vpn/ip'
import type { ExpiryWatch } from '@reversed-vpn/secure'
import { TRUST_GRACE_DEAD_TIMES, type TunnelListener } from '@reversed-vpn/session'
import type { Forwarding } from './forwarding.js'
import { PREFIX } from './metrics.js'
import type { ShootClientOptions } from './options.js'
import type { SessionKeeper } from './reconnect/session-keeper.js'
import type { Setting } from './setting.js'

/** What takes up what is new. */
export interface ReloadTargets {
  readonly keeper: SessionKeeper
  readonly expiry: ExpiryWatch
  readonly forwarding: Forwarding
  /** Where the seed side dials. */
  readonly listener: TunnelListener | undefined
  /** Lets packets travel to and from these networks from now on. */
  readonly setNetworks: (networks: ShootNetworks) => void
}

/** What `--pod-network` and its siblings say: a kind without entries is taken as the seed side announces it. */
export function allowedNetworks({
  podNetwork,
  serviceNetwork,
  nodeNetwork,
}: Pick<ShootClientOptions, 'podNetwork' | 'serviceNetwork' | 'nodeNetwork'>): ShootNetworks {
  return { pod: podNetwork, service: serviceNetwork, node: nodeNetwork }
}

/** Takes up certificates and networks while the daemon runs. */
export function createReloader(
  setting: Setting,
  targets: ReloadTargets,
  context: DaemonContext<ShootClientOptions>,
  registry: Registry,
): Reloader {
  const parts = [
    tunnelTlsPart(setting, targets),
    gatewayCaPart(setting, targets),
    networksPart(targets, context),
  ].filter((part) => part !== undefined)
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

function tunnelTlsPart({ tls, options }: Setting, targets: ReloadTargets): ReloadPart {
  const { listener, keeper, expiry } = targets
  const reload = () =>
    tls.keeper.reload((material, { isOwnNew, isTrustNarrower }) => {
      listener?.setTlsMaterial(material, isTrustNarrower)
      // Who was let in by what does not count any more has that long to come again.
      if (isTrustNarrower) keeper.renewLanes(TRUST_GRACE_DEAD_TIMES * options.deadAfterMs)
      else if (isOwnNew) keeper.renewLanes()
      expiry.set('tunnel', material.certificates)
    })
  return { name: 'tunnel-tls', files: tls.keeper.files, seen: tls.seen, reload }
}

function gatewayCaPart({ gatewayCa }: Setting, { expiry }: ReloadTargets): ReloadPart | undefined {
  if (gatewayCa === undefined) return undefined
  const { keeper, seen } = gatewayCa
  const reload = () => {
    const news = keeper.reload()
    expiry.set('gateway', keeper.certificates)
    return news
  }
  return { name: 'gateway-ca', files: [keeper.file], seen, reload }
}

function networksPart(
  { forwarding, setNetworks }: ReloadTargets,
  { config, log }: DaemonContext<ShootClientOptions>,
): ReloadPart | undefined {
  if (config === undefined) return undefined
  const { path, seen, reread } = config
  const reload = async () => {
    const { values, changed } = reread()
    const allowed = allowedNetworks(values)
    const others = changed.filter((flag) => !/^(pod|service|node)-network$/.test(flag))
    if (others.length > 0)
      log.warn({ file: path, options: others }, 'changed options count from the next start on')
    if (JSON.stringify(allowed) === JSON.stringify(forwarding.allowed)) return undefined
    const networks = await forwarding.allow(allowed)
    if (networks !== undefined) setNetworks(networks)
    return { file: path, allowed }
  }
  return { name: 'networks', files: [path], seen, reload }
}
