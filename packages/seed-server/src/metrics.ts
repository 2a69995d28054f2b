import type { Registry } from '@reversed-vpn/daemon'
import { createEgressMetrics, type EgressMetrics } from '@reversed-vpn/egress-proxy'
import type { TunnelInterface } from '@reversed-vpn/host-network'
import type { CloseCode } from '@reversed-vpn/protocol'
import type { DialFailure, RefusalReason } from '@reversed-vpn/secure'
import type { TrafficTotals } from '@reversed-vpn/session'
import {
  countDialFailures,
  countProtocolErrors,
  countRefusals,
  registerTunnelMetrics,
} from '@reversed-vpn/tunnel-daemon'
import { Counter } from 'prom-client'
import type { SessionTable } from './tunnel/session-table.js'

/** What the seed-server counts beside what it asks its parts for. */
export interface SeedServerMetrics {
  readonly egress: EgressMetrics
  refused(reason: RefusalReason): void
  dialFailed(failure: DialFailure): void
  sessionOpened(): void
  superseded(): void
  /** @param orderly whether the lane was closed by an agreement of both ends */
  laneDown(orderly: boolean): void
  /** A lane ended because the peer broke the protocol: `code` is what it was told. */
  protocolBroken(code: CloseCode): void
}

/** Of every metric. */
export const PREFIX = 'seed_server_'

/** Registers every metric of the daemon; all names begin with `seed_server_`. */
export function createMetrics(
  registry: Registry,
  { name, isPrepared }: Pick<TunnelInterface, 'name' | 'isPrepared'>,
  totals: TrafficTotals,
  table: SessionTable,
): SeedServerMetrics {
  registerTunnelMetrics({
    registry,
    prefix: PREFIX,
    side: 'seed',
    tun: isPrepared ? undefined : name,
    totals,
    session: () => table.active,
  })
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers: [registry] })
  const opened = counter('tunnel_sessions_opened_total', 'Sessions begun.', [])
  const superseded = counter(
    'tunnel_sessions_superseded_total',
    'Sessions that a newer one took over from.',
    [],
  )
  const lanesDown = counter('tunnel_lanes_down_total', 'Lanes that ended.', ['orderly'])
  for (const orderly of ['true', 'false']) lanesDown.inc({ orderly }, 0)
  return {
    egress: createEgressMetrics(registry),
    refused: countRefusals(registry, PREFIX),
    dialFailed: countDialFailures(registry, PREFIX),
    sessionOpened: () => opened.inc(),
    superseded: () => superseded.inc(),
    protocolBroken: countProtocolErrors(registry, PREFIX),
    laneDown: (orderly) => lanesDown.inc({ orderly: String(orderly) }),
  }
}
