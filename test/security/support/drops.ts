import { setTimeout as delay } from 'node:timers/promises'
import type { Daemon } from '@reversed-vpn/test/lab'

/** What the checks of a daemon dropped in one direction, by reason. */
export async function dropsOf(daemon: Daemon, direction: 'toShoot' | 'toSeed'): Promise<Map<string, number>> {
  const pattern = new RegExp(
    `^\\w+tunnel_dropped_packets_total\\{direction="${direction}",reason="([^"]+)"\\}$`,
  )
  return new Map(
    [...(await daemon.metrics())].flatMap(([name, value]): [string, number][] => {
      const reason = pattern.exec(name)?.[1]
      return reason === undefined ? [] : [[reason, value]]
    }),
  )
}

/** By how much each has risen, where it has. */
export function risen(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Map<string, number> {
  const differences = [...after].map(([key, value]): [string, number] => [
    key,
    value - (before.get(key) ?? 0),
  ])
  return new Map(differences.filter(([, more]) => more > 0))
}

/** Metrics in which what the firewall has counted so far is told: its counters are read once a second at most. */
export async function metricsWithFirewall(daemon: Daemon): Promise<ReadonlyMap<string, number>> {
  await delay(1000)
  return daemon.metrics()
}
