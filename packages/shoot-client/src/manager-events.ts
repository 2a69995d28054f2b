import type { Logger } from '@reversed-vpn/daemon'
import type { TunnelEvents } from '@reversed-vpn/tunnel-daemon'

/** What the session manager reports: for logs and metrics, nothing depends on it. */
export interface ManagerEvents extends Omit<TunnelEvents, 'onRefused'> {
  /** Another shoot-client took over. This one dials again after `waitMs`; undefined where it does not dial. */
  onSuperseded(waitMs: number | undefined): void
}

/** Adds to the shared events what happens on the shoot side only. */
export function createManagerEvents(events: TunnelEvents, log: Logger): ManagerEvents {
  return {
    ...events,
    onSuperseded: (waitMs) => {
      const retryInMs = waitMs === undefined ? undefined : Math.round(waitMs)
      log.info({ retryInMs }, 'another shoot-client took over')
    },
  }
}
