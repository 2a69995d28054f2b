import type { DaemonContext } from '@reversed-vpn/daemon'
import { createEgressMetrics, EgressProxy } from '@reversed-vpn/egress-proxy'
import { authorizePeer } from '@reversed-vpn/secure'
import type { TunnelRuntime } from '@reversed-vpn/tunnel-daemon'
import { egressNetworks, transferAddresses, transferNetworksOf } from './egress-networks.js'
import type { SeedServerOptions } from './options.js'
import type { Setting } from './setting.js'
import { chooseDialler } from './streams/choose-dialler.js'
import type { TunnelTables } from './tunnel/tunnel-tables.js'

/** Opens the ports where kube-apiserver sends its CONNECTs. @throws EnvironmentError when one is not available */
export async function openEgress(
  options: SeedServerOptions,
  { networks, egressTls, seedAddresses, carries }: Setting,
  { table, streams }: TunnelTables,
  { registry }: TunnelRuntime,
  { log, defer, signal }: DaemonContext,
): Promise<EgressProxy> {
  const egress = new EgressProxy({
    endpoints: options.egressListen,
    tls: egressTls?.store.material,
    authorizeCaller: (socket) => authorizePeer(socket, { name: options.egressPeerName, usage: 'client' }),
    gate: table,
    networks: egressNetworks(networks, transferNetworksOf(options)),
    transfer: transferAddresses(options.tun, seedAddresses),
    chooseDialler: (tun) =>
      streams === undefined
        ? tun
        : chooseDialler(tun, {
            hasPackets: carries.includes('packets'),
            resolve: options.resolve,
            opener: () => table.active && streams.of(table.active),
          }),
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
