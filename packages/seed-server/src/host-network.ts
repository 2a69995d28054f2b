import type { DaemonContext } from '@reversed-vpn/daemon'
import {
  applySeedNetwork,
  checkPreparedSeedNetwork,
  type SeedNetworkPlan,
  type UpdatableNetwork,
} from '@reversed-vpn/host-network'
import { closeNetwork, logWarnings, type TunnelRuntime } from '@reversed-vpn/tunnel-daemon'

/** Addresses, routes and firewall of this machine. */
interface HostNetwork extends UpdatableNetwork<SeedNetworkPlan> {
  /** From now on what must stay after the end is left. Before, all of it is taken away again. */
  onStarted(): void
}

/** Makes them, or checks what `setup` made, and guards them until the end of the process. @throws NetworkError */
export async function openHostNetwork(
  plan: SeedNetworkPlan,
  { tun, network: watch }: TunnelRuntime,
  { log, defer }: Pick<DaemonContext, 'log' | 'defer'>,
): Promise<HostNetwork> {
  const network = watch.guard(await (tun.isPrepared ? checkPreparedSeedNetwork : applySeedNetwork)(plan))
  let isStarted = false
  defer('addresses, routes and firewall', () =>
    isStarted ? closeNetwork(network, tun.name, log) : network.revert(),
  )
  logWarnings(log, network.warnings)
  return {
    ...network,
    onStarted: () => {
      isStarted = true
    },
  }
}
