import { type Logger, ownResources } from '@reversed-vpn/daemon'
import { memoryForStreams, roomForBulk } from '@reversed-vpn/egress-proxy/room'
import { MAX_STREAMS } from '@reversed-vpn/protocol'
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

export function createTables(
  options: SeedServerOptions,
  { networks, seedAddresses, shootAddresses, congestion, carries }: Setting,
  runtime: TunnelRuntime,
  log: Logger,
): TunnelTables {
  const { mtu, lanesMax, keepaliveMs, deadAfterMs, rotateAfterMs, rotateAfterRecords, drainTimeoutMs } =
    options
  const { egressMemoryMax: memoryMax = memoryForStreams(ownResources()), egressHoldMs: holdMs } = options
  const { tun, totals, streamTotals } = runtime
  const streams = carries.includes('streams')
    ? // The egress proxy has a limit of its own.
      new StreamTable({
        carries,
        maxStreams: MAX_STREAMS,
        windowBytes: 2 * roomForBulk(memoryMax),
        holdMs,
        totals: streamTotals,
      })
    : undefined
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
