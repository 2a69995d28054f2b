import type { Logger } from '@reversed-vpn/daemon'
import type { TunnelRuntime } from '@reversed-vpn/tunnel-daemon'
import type { SeedServerOptions } from '../options.js'
import type { Setting } from '../setting.js'
import { SessionTable } from './session-table.js'
import { StreamTable } from './stream-table.js'
import { createTableEvents } from './table-events.js'

/** Who is connected. */
export interface TunnelTables {
  readonly table: SessionTable
  /** Absent where no streams are carried. */
  readonly streams: StreamTable | undefined
}

/** Of the seed side: as many streams as one shoot-client takes, and what they may be sent before it was read. */
const MAX_STREAMS = 5000
const WINDOW_BYTES = 64 * 2 ** 20

export function createTables(
  options: SeedServerOptions,
  { networks, seedAddresses, shootAddresses, congestion, carries }: Setting,
  runtime: TunnelRuntime,
  log: Logger,
): TunnelTables {
  const { mtu, lanesMax, keepaliveMs, deadAfterMs, rotateAfterMs, rotateAfterRecords, drainTimeoutMs } =
    options
  const streams = carries.includes('streams')
    ? new StreamTable({
        carries,
        maxStreams: options.egressConnectionsMax ?? MAX_STREAMS,
        windowBytes: WINDOW_BYTES,
        holdMs: options.egressHoldMs,
      })
    : undefined
  const { tun, totals } = runtime
  const table = new SessionTable({
    tun,
    totals,
    networks,
    seedAddresses,
    shootAddresses,
    mtu,
    lanesMax,
    laneSetting: { congestion, keepaliveMs, deadAfterMs, rotateAfterMs, rotateAfterRecords },
    drainTimeoutMs,
    events: createTableEvents(runtime, log),
    carries,
    streams,
  })
  return { table, streams }
}
