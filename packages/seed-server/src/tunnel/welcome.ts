import type { TunnelInterface } from '@reversed-vpn/host-network'
import type { ShootNetworks, TransferAddress } from '@reversed-vpn/ip'
import { CONTROL_VERSION, type HelloMessage, type WelcomeMessage } from '@reversed-vpn/protocol'
import type { Session } from '@reversed-vpn/session'
import type { LaneSetting } from '@reversed-vpn/tunnel-daemon'

/** What the seed side announces in every WELCOME. */
export interface Announcement {
  readonly tun: Pick<TunnelInterface, 'accepts'>
  readonly seedAddresses: readonly TransferAddress[]
  readonly shootAddresses: readonly TransferAddress[]
  readonly mtu: number
  readonly lanesMax: number
  readonly laneSetting: LaneSetting
}

/** The answer to HELLO that makes the connection that lane of the session. */
export function createWelcome(
  announcement: Announcement,
  networks: ShootNetworks,
  session: Session,
  lane: number,
  hello: HelloMessage,
): WelcomeMessage {
  const { tun, seedAddresses, shootAddresses, lanesMax, laneSetting } = announcement
  return {
    type: 'WELCOME',
    version: CONTROL_VERSION,
    session: session.id,
    token: session.token,
    lane,
    lanesMax,
    mtu: sessionMtu(announcement, hello),
    accepts: tun.accepts,
    addresses: {
      seed: seedAddresses.map(({ cidr }) => cidr),
      shoot: shootAddresses.map(({ cidr }) => cidr),
    },
    networks,
    keepaliveMs: laneSetting.keepaliveMs,
    deadAfterMs: laneSetting.deadAfterMs,
  }
}

/** The longest packet that both sides can take. */
export function sessionMtu({ mtu }: Pick<Announcement, 'mtu'>, hello: HelloMessage): number {
  return Math.min(mtu, hello.mtu)
}
