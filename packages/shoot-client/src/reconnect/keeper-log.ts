import type { Logger } from '@reversed-vpn/daemon'
import { isDeviceGone, type SyscallError } from '@reversed-vpn/node-tun'
import { TunnelError } from '@reversed-vpn/protocol'
import type { ShootClientMetrics } from '../metrics.js'
import type { KeeperEvents } from './session-keeper.js'

export interface KeeperLogOptions {
  readonly log: Logger
  /** How the seed-server is reached. */
  readonly way: string
  readonly metrics: () => ShootClientMetrics
  /** The TUN interface is gone, and with it its addresses and routes: only a new start makes them anew. */
  readonly onDeviceLost: (error: SyscallError) => void
}

/** Logs and counts what happens to the session. */
export function createKeeperEvents({ log, way, metrics, onDeviceLost }: KeeperLogOptions): KeeperEvents {
  return {
    onDialFailed: (lane, error, waitMs) => {
      if (isDeviceGone(error.cause)) onDeviceLost(error.cause)
      metrics().dialFailed(error.failure)
      const fields = {
        lane,
        way,
        reason: error.failure,
        detail: error.message,
        retryInMs: Math.round(waitMs),
      }
      log.warn(fields, 'dial failed')
    },
    onSessionUp: (session) => {
      metrics().sessionUp()
      log.info({ sessionId: session.id, peer: session.peer, way }, 'session up')
    },
    onLaneUp: (session, lane) => log.info({ sessionId: session.id, lane: lane.index }, 'lane up'),
    onLaneDown: (session, lane, { error, isReplaced }) => {
      if (isDeviceGone(error)) onDeviceLost(error)
      if (!isReplaced) metrics().laneDown(error === undefined)
      if (error instanceof TunnelError && error.closeCode !== undefined)
        metrics().protocolBroken(error.closeCode)
      const fields = { sessionId: session.id, lane: lane.index, isReplaced, rttMs: lane.rttMs, err: error }
      if (error === undefined) log.info(fields, 'lane closed')
      else log.warn(fields, 'lane lost')
    },
    onSessionDown: (session, error) => {
      const upForMs = Date.now() - session.openedAtMs
      log.info(
        { sessionId: session.id, upForMs, reason: error?.message ?? 'closed in order' },
        'session down',
      )
    },
    onSuperseded: (waitMs) =>
      log.info(
        { staysAwayMs: Math.round(waitMs) },
        'another shoot-client took over; its sessions are left alone for a while',
      ),
  }
}
