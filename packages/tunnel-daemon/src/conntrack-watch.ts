import type { Registry } from '@reversed-vpn/daemon'
import type { ConntrackUsage } from '@reversed-vpn/host-network'
import { Gauge } from 'prom-client'

interface ConntrackWatchOptions {
  readonly registry: Registry
  readonly prefix: string
  readonly log: { warn(fields: object, message: string): void }
  readonly read: () => Promise<ConntrackUsage | undefined>
  /** @default every 30 s */
  readonly intervalMs?: number
}

const INTERVAL_MS = 30_000

/** Of the limit. Said again when usage was below it in between. */
const WARN_FROM = 0.9

/** Shows how full conntrack's table is, and warns before it is. The metrics are absent where nothing is tracked. */
export function watchConntrack(options: ConntrackWatchOptions): { close(): void } {
  const { registry, prefix, log, read, intervalMs = INTERVAL_MS } = options
  const gauge = (name: string, help: string, pick: (usage: ConntrackUsage) => number) =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      registers: [registry],
      async collect() {
        const usage = await read()
        if (usage === undefined) this.remove()
        else this.set(pick(usage))
      },
    })
  gauge('tunnel_conntrack_entries', 'Connections in the conntrack table.', ({ entries }) => entries)
  gauge('tunnel_conntrack_entries_limit', 'Connections the conntrack table may hold.', ({ limit }) => limit)
  let isNearlyFull = false
  const look = async () => {
    const usage = await read()
    const wasNearlyFull = isNearlyFull
    isNearlyFull = usage !== undefined && usage.entries >= WARN_FROM * usage.limit
    if (isNearlyFull && !wasNearlyFull) log.warn({ ...usage }, 'conntrack table is nearly full')
  }
  const timer = setInterval(() => void look(), intervalMs).unref()
  return { close: () => clearInterval(timer) }
}
