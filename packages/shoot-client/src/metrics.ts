import type { Registry } from '@reversed-vpn/daemon'
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
import type { SessionKeeper } from './reconnect/session-keeper.js'

/** What the shoot-client counts beside what it asks its parts for. */
export interface ShootClientMetrics {
  dialFailed(failure: DialFailure): void
  refused(reason: RefusalReason): void
  sessionUp(): void
  /** @param orderly whether the lane was closed by an agreement of both ends */
  laneDown(orderly: boolean): void
  /** A lane ended because the peer broke the protocol: `code` is what it was told. */
  protocolBroken(code: CloseCode): void
}

/** Of every metric. */
export const PREFIX = 'shoot_client_'

/** Registers every metric of the daemon; all names begin with `shoot_client_`. */
export function createMetrics(
  registry: Registry,
  { name, isPrepared }: Pick<TunnelInterface, 'name' | 'isPrepared'>,
  totals: TrafficTotals,
  keeper: SessionKeeper,
): ShootClientMetrics {
  registerTunnelMetrics({
    registry,
    prefix: PREFIX,
    side: 'shoot',
    tun: isPrepared ? undefined : name,
    totals,
    session: () => keeper.session,
  })
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers: [registry] })
  const opened = counter('tunnel_sessions_opened_total', 'Sessions begun.', [])
  const lanesDown = counter('tunnel_lanes_down_total', 'Lanes that ended.', ['orderly'])
  for (const orderly of ['true', 'false']) lanesDown.inc({ orderly }, 0)
  return {
    dialFailed: countDialFailures(registry, PREFIX),
    refused: countRefusals(registry, PREFIX),
    sessionUp: () => opened.inc(),
    protocolBroken: countProtocolErrors(registry, PREFIX),
    laneDown: (orderly) => lanesDown.inc({ orderly: String(orderly) }),
  }
}
