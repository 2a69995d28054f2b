import type { DaemonContext } from '@reversed-vpn/daemon'
import { knock } from '@reversed-vpn/egress-proxy'
import type { TunnelRuntime } from '@reversed-vpn/tunnel-daemon'
import { transferAddresses } from './egress-networks.js'
import type { SeedServerOptions } from './options.js'
import { createProbeMetrics } from './probe/probe-metrics.js'
import { probeTargets } from './probe/probe-targets.js'
import { Prober } from './probe/prober.js'
import type { Setting } from './setting.js'
import type { SessionTable } from './tunnel/session-table.js'

/** For one answer: the kernel sends the SYN again after 1 s and, at the latest, after 3 s. */
const TIMEOUT_MS = 5000

/** The probe of a seed-server, which does not run yet; undefined where it is switched off, or no packets are carried. */
export function createProber(
  { probeIntervalMs: intervalMs, probeTarget, tun }: SeedServerOptions,
  { seedAddresses, carries }: Setting,
  table: SessionTable,
  { registry, totals }: TunnelRuntime,
  { log, defer }: DaemonContext,
): Prober | undefined {
  if (intervalMs === 0 || !carries.includes('packets')) return undefined
  const targets = probeTargets(seedAddresses, probeTarget)
  const transfer = transferAddresses(tun, seedAddresses)
  const { onResult, observe } = createProbeMetrics(registry, targets)
  const prober = new Prober({
    targets,
    gate: table,
    intervalMs,
    log: log.child({ component: 'probe' }),
    packets: () => {
      const { toPeer, fromPeer } = totals.read()
      return { toShoot: toPeer.packets, toSeed: fromPeer.packets }
    },
    knock: (target, signal) => knock(target, { transfer, timeoutMs: TIMEOUT_MS }, signal),
    onResult,
  })
  observe(prober, () => table.isUp)
  defer('probe', () => prober.close())
  return prober
}
