import { describePath, describeSession } from '@reversed-vpn/tunnel-daemon'
import type { SeedServerOptions } from './options.js'
import type { Setting } from './setting.js'
import type { SessionTable } from './tunnel/session-table.js'

/** The seed-server's part of `/status`. Holds no secret. */
export function describeStatus(
  { tun, mtu, vpnNetwork }: SeedServerOptions,
  { path, diallerId }: Setting,
  table: SessionTable,
): object {
  return {
    activeSession: table.active?.id ?? null,
    transport: describePath(path),
    diallerId: path.type === 'dial' ? diallerId : null,
    sessions: table.sessions.map(describeSession),
    tun,
    mtu,
    networks: table.networks,
    transferNetworks: vpnNetwork,
  }
}
