import type { Registry } from '@reversed-vpn/daemon'
import { registerTunnelMetrics, type TrafficTotals } from '@reversed-vpn/session'
import { Counter, Gauge } from 'prom-client'
import { DIAL_FAILURES, type DialFailure } from './dial/transport.js'
import type { SessionKeeper } from './reconnect/session-keeper.js'

/** What the shoot-client counts beside what it asks its parts for. */
export interface ShootClientMetrics {
  dialFailed(failure: DialFailure): void
  sessionUp(): void
  /** @param orderly whether the lane was closed by an agreement of both ends */
  laneDown(orderly: boolean): void
  /** When the certificate in use ends, in milliseconds since the epoch. */
  certificateEnds(notAfterMs: number): void
}

const PREFIX = 'shoot_client_'

/** Registers every metric of the daemon; all names begin with `shoot_client_`. */
export function createMetrics(
  registry: Registry,
  tun: string,
  totals: TrafficTotals,
  keeper: SessionKeeper,
): ShootClientMetrics {
  registerTunnelMetrics({
    registry,
    prefix: PREFIX,
    side: 'shoot',
    tun,
    totals,
    session: () => keeper.session,
  })
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers: [registry] })
  const failures = counter('tunnel_dial_failures_total', 'Dials that did not end in a lane.', ['reason'])
  for (const reason of DIAL_FAILURES) failures.inc({ reason }, 0)
  const opened = counter('tunnel_sessions_opened_total', 'Sessions begun.', [])
  const lanesDown = counter('tunnel_lanes_down_total', 'Lanes that ended.', ['orderly'])
  const notAfter = new Gauge({
    name: `${PREFIX}tls_certificate_not_after_seconds`,
    help: 'When the certificate in use ends, in seconds since the epoch.',
    registers: [registry],
  })
  return {
    dialFailed: (reason) => failures.inc({ reason }),
    sessionUp: () => opened.inc(),
    laneDown: (orderly) => lanesDown.inc({ orderly: String(orderly) }),
    certificateEnds: (notAfterMs) => notAfter.set(notAfterMs / 1000),
  }
}
