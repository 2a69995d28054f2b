import type { Registry } from '@reversed-vpn/daemon'
import { registerTunnelMetrics, type TrafficTotals } from '@reversed-vpn/session'
import { Counter, Gauge } from 'prom-client'
import { createEgressMetrics, type EgressMetrics } from './egress/index.js'
import { REFUSAL_REASONS, type RefusalReason } from './tunnel/refusal-reason.js'
import type { SessionTable } from './tunnel/session-table.js'

/** What the seed-server counts beside what it asks its parts for. */
export interface SeedServerMetrics {
  readonly egress: EgressMetrics
  refused(reason: RefusalReason): void
  sessionOpened(): void
  superseded(): void
  /** @param orderly whether the lane was closed by an agreement of both ends */
  laneDown(orderly: boolean): void
  /** When the certificates in use end, in milliseconds since the epoch. */
  certificateEnds(use: 'tunnel' | 'egress', notAfterMs: number): void
}

const PREFIX = 'seed_server_'

/** Registers every metric of the daemon; all names begin with `seed_server_`. */
export function createMetrics(
  registry: Registry,
  tun: string,
  totals: TrafficTotals,
  table: SessionTable,
): SeedServerMetrics {
  registerTunnelMetrics({ registry, prefix: PREFIX, side: 'seed', tun, totals, session: () => table.active })
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers: [registry] })
  const refusals = counter('tunnel_refusals_total', 'Connections to the tunnel port that came to nothing.', [
    'reason',
  ])
  for (const reason of REFUSAL_REASONS) refusals.inc({ reason }, 0)
  const opened = counter('tunnel_sessions_opened_total', 'Sessions begun.', [])
  const superseded = counter(
    'tunnel_sessions_superseded_total',
    'Sessions that a newer one took over from.',
    [],
  )
  const lanesDown = counter('tunnel_lanes_down_total', 'Lanes that ended.', ['orderly'])
  const notAfter = new Gauge({
    name: `${PREFIX}tls_certificate_not_after_seconds`,
    help: 'When the certificate in use ends, in seconds since the epoch.',
    labelNames: ['use'],
    registers: [registry],
  })
  return {
    egress: createEgressMetrics(registry),
    refused: (reason) => refusals.inc({ reason }),
    sessionOpened: () => opened.inc(),
    superseded: () => superseded.inc(),
    laneDown: (orderly) => lanesDown.inc({ orderly: String(orderly) }),
    certificateEnds: (use, notAfterMs) => notAfter.set({ use }, notAfterMs / 1000),
  }
}
