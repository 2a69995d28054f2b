import type { DaemonContext } from '@reversed-vpn/daemon'
import { TunnelListener } from '@reversed-vpn/session'
import { listenForTunnel, type TunnelEntrance, type TunnelRuntime } from '@reversed-vpn/tunnel-daemon'
import type { ShootClientOptions } from './options.js'
import type { SeedServers } from './seed-servers.js'
import type { Setting } from './setting.js'

/**
 * Starts to dial, or to accept seed-servers. HELLO is sent from here either way. @throws EnvironmentError when the port is
 * not available
 */
export async function openEntrance(
  { serverName: peerName, deadAfterMs, maxSegment }: ShootClientOptions,
  { path, tls, congestion }: Setting,
  { events }: TunnelRuntime,
  seedServers: SeedServers,
  { defer, signal }: DaemonContext,
): Promise<TunnelEntrance> {
  if (path.type === 'dial') {
    seedServers.dial()
    return { close: () => {}, setTlsMaterial: () => {} }
  }
  const listener = new TunnelListener({
    tls: tls.store.material,
    peerName,
    deadAfterMs,
    congestion,
    onPeer: (frames, peer) => seedServers.accept(frames, peer),
    onRefused: (refusal) => events.onRefused(refusal),
  })
  defer('tunnel port', () => listener.close())
  await listenForTunnel(listener.server, path.endpoint, { maxSegment, signal })
  return listener
}
