import type { Logger } from '@reversed-vpn/daemon'
import type { RejectCode } from '@reversed-vpn/protocol'
import type { Session, SessionPeer } from '@reversed-vpn/session'
import type { TunnelEvents, TunnelRuntime } from '@reversed-vpn/tunnel-daemon'
import { Counter } from 'prom-client'

/** What the session table reports: for logs and metrics, nothing depends on it. */
export interface TableEvents
  extends Pick<TunnelEvents, 'onSessionOpened' | 'onSessionClosed' | 'onLaneOpened' | 'onLaneClosed'> {
  /** The peer has answered: packets to the shoot use this session from now on. */
  onSessionActive(session: Session, superseded: Session | undefined): void
  /** HELLO was answered with REJECT. */
  onRejected(peer: Omit<SessionPeer, 'instance'>, code: RejectCode): void
}

/** Adds to the shared events what happens on the seed side only. */
export function createTableEvents({ events, metrics, registry }: TunnelRuntime, log: Logger): TableEvents {
  const supersededTotal = new Counter({
    name: 'seed_server_tunnel_sessions_superseded_total',
    help: 'Sessions that a newer one took over from.',
    registers: [registry],
  })
  return {
    ...events,
    onSessionActive: (session, superseded) => {
      if (superseded !== undefined) supersededTotal.inc()
      log.info({ sessionId: session.id, superseded: superseded?.id }, 'session active')
    },
    onRejected: (peer, code) => {
      metrics.refused(code)
      log.warn({ peer, code }, 'lane rejected')
    },
  }
}
