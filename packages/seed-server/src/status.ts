import type { Readiness } from '@reversed-vpn/daemon'
import type { ShootNetworks } from '@reversed-vpn/ip'
import { describeSession } from '@reversed-vpn/tunnel-daemon'
import { describeWay, type Setting } from './setting.js'
import type { SessionTable } from './tunnel/session-table.js'

/** Ready means: a session is up and has answered a PING; one that falls silent is ended by its keepalive. */
export function describeReadiness(table: SessionTable): Readiness {
  return table.isUp
    ? { ready: true, reasons: [] }
    : { ready: false, reasons: ['no session with a shoot-client is up'] }
}

/** The whole state for a person or a program. Holds no secret. */
export function describeStatus(
  { options, way }: Setting,
  networks: ShootNetworks,
  table: SessionTable,
): object {
  return {
    tunnelUp: table.isUp,
    activeSession: table.active?.id ?? null,
    way: describeWay(way),
    sessions: table.sessions.map(describeSession),
    tun: options.tun,
    mtu: options.mtu,
    networks,
    transferNetworks: options.vpnNetwork,
  }
}
