import { type DaemonContext, type Logger, rateLimited } from '@reversed-vpn/daemon'
import { NetworkError } from '@reversed-vpn/host-network'
import { isDeviceGone } from '@reversed-vpn/node-tun'
import { TunnelError } from '@reversed-vpn/protocol'
import type { DialError } from '@reversed-vpn/secure'
import type { ConnectionRefusal, Lane, LaneEnd, Session } from '@reversed-vpn/session'
import type { TunnelMetrics } from './tunnel-metrics.js'

/** What sessions, dials and the tunnel port report: for logs and metrics, nothing depends on it. */
export interface TunnelEvents {
  /** HELLO and WELCOME were exchanged. */
  onSessionOpened(session: Session): void
  /** The last lane is gone. */
  onSessionClosed(session: Session, error: Error | undefined): void
  /** A connection has become a lane, or replaces one. */
  onLaneOpened(session: Session, lane: Lane): void
  onLaneClosed(session: Session, lane: Lane, end: LaneEnd): void
  /** A dial failed; the next follows after `waitMs`. */
  onDialFailed(lane: number, error: DialError, waitMs: number): void
  /** A connection to the tunnel port did not become a lane. */
  onRefused(refusal: ConnectionRefusal): void
}

interface TunnelEventsOptions extends Pick<DaemonContext, 'explain' | 'fail' | 'setTrouble'> {
  readonly log: Logger
  readonly metrics: TunnelMetrics
  /** How the peer is reached. */
  readonly transport: string
  /** The authorities by which peers are judged. */
  readonly caFile: string
}

/** Repeated refusals of one source are logged once in this time. */
const REFUSAL_LOG_INTERVAL_MS = 60_000

/** Logs and counts, with the same words on both sides. */
export function createTunnelEvents(options: TunnelEventsOptions): TunnelEvents {
  const { log, metrics, transport, caFile, fail, explain, setTrouble } = options
  const logRarely = rateLimited(log, REFUSAL_LOG_INTERVAL_MS)
  const failIfFinal = (error: unknown) => {
    if (isFinal(error)) fail(error)
  }
  let openSessions = 0
  const explained = (reason: string, detail: string | undefined) =>
    reason === 'wrong-ca' ? explain(`${detail}, expected one of an authority in ${caFile}`) : detail
  return {
    onSessionOpened: (session) => {
      metrics.sessionOpened()
      openSessions += 1
      setTrouble(undefined)
      log.info({ sessionId: session.id, peer: session.peer, transport }, 'session opened')
    },
    onSessionClosed: (session, error) => {
      const upForMs = Math.round(session.ageMs)
      const reason = error?.message ?? 'closed in order'
      openSessions -= 1
      log.info({ sessionId: session.id, upForMs, reason }, 'session closed')
    },
    onLaneOpened: (session, lane) => log.info({ sessionId: session.id, lane: lane.index }, 'lane opened'),
    onLaneClosed: (session, lane, { error, isReplaced }) => {
      failIfFinal(error)
      if (!isReplaced) metrics.laneClosed(error === undefined)
      if (error instanceof TunnelError && error.closeCode !== undefined)
        metrics.protocolBroken(error.closeCode)
      const fields = { sessionId: session.id, lane: lane.index, isReplaced, rttMs: lane.rttMs, err: error }
      if (error === undefined) log.info(fields, 'lane closed')
      else log.warn(fields, 'lane lost')
    },
    onDialFailed: (lane, error, waitMs) => {
      failIfFinal(error.cause)
      metrics.dialFailed(error.failure)
      const { failure: reason, message } = error
      const detail = explained(reason, message)
      if (openSessions === 0) setTrouble(`no session: dial failed: ${reason}: ${detail}`)
      log.warn({ lane, transport, reason, detail, retryInMs: Math.round(waitMs) }, 'dial failed')
    },
    onRefused: ({ reason, remoteAddress, detail, cause }) => {
      failIfFinal(cause)
      metrics.refused(reason)
      logRarely(
        'warn',
        `${reason} ${remoteAddress}`,
        { reason, remoteAddress, detail: explained(reason, detail) },
        'connection refused',
      )
    },
  }
}

/**
 * Whether only a new start can help: the TUN is gone, and with it its addresses and routes; or what `setup` prepared does not
 * fit what the seed side announces.
 */
function isFinal(error: unknown): boolean {
  if (error instanceof NetworkError) return error.code === 'ERR_NETWORK_NOT_PREPARED'
  return isDeviceGone(error)
}
