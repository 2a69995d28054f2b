import { describePath, describeSession, describeStreams } from '@reversed-vpn/tunnel-daemon'
import type { SeedServerOptions } from './options.js'
import { describeProbe } from './probe/describe-probe.js'
import type { Prober } from './probe/prober.js'
import type { Setting } from './setting.js'
import type { TunnelTables } from './tunnel/tunnel-tables.js'

/** The seed-server's part of `/status`. Holds no secret. */
export function describeStatus(
  { tun, mtu, vpnNetwork }: SeedServerOptions,
  { path, diallerId, carries }: Setting,
  { table, streams }: TunnelTables,
  prober: Prober | undefined,
): object {
  const hasPackets = carries.includes('packets')
  return {
    activeSession: table.active?.id ?? null,
    transport: describePath(path),
    diallerId: path.type === 'dial' ? diallerId : null,
    sessions: table.sessions.map(describeSession),
    carries,
    streams: (streams?.multiplexers ?? []).map(describeStreams),
    probe: describeProbe(prober, table.isUp),
    tun: hasPackets ? tun : null,
    mtu: hasPackets ? mtu : null,
    networks: table.networks,
    transferNetworks: hasPackets ? vpnNetwork : [],
  }
}
