import type { Logger } from '@reversed-vpn/daemon'
import { isDeviceGone, type SyscallError } from '@reversed-vpn/node-tun'
import { TunnelError } from '@reversed-vpn/protocol'
import type { SeedServerMetrics } from '../metrics.js'
import type { SessionEvents } from './session-table.js'

export interface SessionLogOptions {
  readonly log: Logger
  readonly metrics: () => SeedServerMetrics
  /** The TUN interface is gone, and with it its addresses and routes: only a new start makes them anew. */
  readonly onDeviceLost: (error: SyscallError) => void
}

/** Logs and counts what happens to sessions. */
export function createSessionEvents({ log, metrics, onDeviceLost }: SessionLogOptions): SessionEvents {
  return {
    onOpened: (session) => {
      metrics().sessionOpened()
      log.info({ sessionId: session.id, peer: session.peer }, 'session opened')
    },
    onActive: (session, superseded) => {
      if (superseded !== undefined) metrics().superseded()
      log.info({ sessionId: session.id, superseded: superseded?.id }, 'session carries the traffic')
    },
    onLaneDown: (session, lane, { error, isReplaced }) => {
      if (isDeviceGone(error)) onDeviceLost(error)
      if (!isReplaced) metrics().laneDown(error === undefined)
      if (error instanceof TunnelError && error.closeCode !== undefined)
        metrics().protocolBroken(error.closeCode)
      const fields = { sessionId: session.id, lane: lane.index, isReplaced, rttMs: lane.rttMs, err: error }
      if (error === undefined) log.info(fields, 'lane closed')
      else log.warn(fields, 'lane lost')
    },
    onClosed: (session, error) => {
      const upForMs = Date.now() - session.openedAtMs
      log.info(
        { sessionId: session.id, upForMs, reason: error?.message ?? 'closed in order' },
        'session closed',
      )
    },
    onRejected: (peer, code) => {
      metrics().refused(code)
      log.warn({ peer, code }, 'lane rejected')
    },
  }
}
