import type { DaemonContext } from '@reversed-vpn/daemon'
import { createEgressMetrics, EgressProxy } from '@reversed-vpn/egress-proxy'
import { authorizePeer } from '@reversed-vpn/secure'
import type { TunnelRuntime } from '@reversed-vpn/tunnel-daemon'
import { egressNetworks, transferAddresses } from './egress-networks.js'
import type { SeedServerOptions } from './options.js'
import type { Setting } from './setting.js'
import type { SessionTable } from './tunnel/session-table.js'

/** Opens the ports where kube-apiserver sends its CONNECTs. @throws EnvironmentError when one is not available */
export async function openEgress(
  options: SeedServerOptions,
  { networks, egressTls, seedAddresses }: Setting,
  table: SessionTable,
  { registry }: TunnelRuntime,
  { log, defer, signal }: DaemonContext,
): Promise<EgressProxy> {
  const egress = new EgressProxy({
    endpoints: options.egressListen,
    tls: egressTls?.store.material,
    authorizeCaller: (socket) => authorizePeer(socket, { name: options.egressPeerName, usage: 'client' }),
    gate: table,
    networks: egressNetworks(networks, options.vpnNetwork),
    transfer: transferAddresses(options.tun, seedAddresses),
    logger: log.child({ component: 'egress' }),
    metrics: createEgressMetrics(registry),
    holdMs: options.egressHoldMs,
    holdMax: options.egressHoldMax,
    connectionsMax: options.egressConnectionsMax,
    memoryMax: options.egressMemoryMax,
  })
  defer('egress ports', () => egress.abort())
  await egress.listen(signal)
  return egress
}
