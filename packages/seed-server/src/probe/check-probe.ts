import { type DaemonContext, formatEndpoint } from '@reversed-vpn/daemon'
import { canonicalAddress, type ShootNetworks } from '@reversed-vpn/ip'
import { egressNetworks } from '../egress-networks.js'
import type { SeedServerOptions } from '../options.js'

/** More often than this gains nothing, and each leaves an entry in conntrack's table for two minutes. */
const MIN_INTERVAL_MS = 100

/** Checks the options of the probe. @throws UsageError naming the flag */
export function checkProbe(
  {
    probeIntervalMs,
    probeTarget,
    vpnNetwork,
  }: Pick<SeedServerOptions, 'probeIntervalMs' | 'probeTarget' | 'vpnNetwork'>,
  networks: ShootNetworks,
  { optionError }: Pick<DaemonContext, 'optionError'>,
): void {
  if (probeIntervalMs > 0 && probeIntervalMs < MIN_INTERVAL_MS)
    throw optionError('probe-interval', `expected 0s or at least ${MIN_INTERVAL_MS}ms`)
  const { allowed, refused } = egressNetworks(networks, vpnNetwork)
  for (const target of probeTarget) {
    const address = canonicalAddress(target.host)
    if (address === undefined || !allowed.has(address) || refused.has(address))
      throw optionError('probe-target', `${formatEndpoint(target)} is not an address in the shoot's networks`)
  }
}
