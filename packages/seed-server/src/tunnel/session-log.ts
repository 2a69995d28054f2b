import type { Logger } from '@reversed-vpn/daemon'
import type { SeedServerMetrics } from '../metrics.js'
import type { SessionEvents } from './session-table.js'

/** Logs and counts what happens to sessions. */
export function createSessionEvents(log: Logger, metrics: () => SeedServerMetrics): SessionEvents {
  return {
    onOpened: (session) => {
      metrics().sessionOpened()
      log.info({ sessionId: session.id, peer: session.peer }, 'session opened')
    },
    onActive: (session, superseded) => {
      if (superseded !== undefined) metrics().superseded()
      log.info({ sessionId: session.id, superseded: superseded?.id }, 'session carries the traffic')
    },
    onLaneDown: (session, lane, error) => {
      metrics().laneDown(error === undefined)
      const fields = { sessionId: session.id, lane: lane.index, rttMs: lane.rttMs, err: error }
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
