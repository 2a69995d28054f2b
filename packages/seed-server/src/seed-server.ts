import type { DaemonContext, Logger, RunningDaemon } from '@reversed-vpn/daemon'
import { applySeedNetwork, checkPreparedSeedNetwork } from '@reversed-vpn/host-network'
import {
  closeNetwork,
  describeStart,
  logWarnings,
  openTunnelRuntime,
  serveAdmin,
  startReloading,
  type TunnelRuntime,
} from '@reversed-vpn/tunnel-daemon'
import { openEgress } from './egress.js'
import type { SeedServerOptions } from './options.js'
import { createProber } from './probe.js'
import { egressTlsPart, networksPart } from './reload.js'
import { resolveSetting, type Setting } from './setting.js'
import { describeStatus } from './status.js'
import { openEntrance } from './tunnel/open-entrance.js'
import { SessionTable } from './tunnel/session-table.js'
import { createTableEvents } from './tunnel/table-events.js'

/**
 * Starts everything, in the order of dependence:
 *
 *     options and certificates ──▶ TUN ──▶ admin ──▶ firewall, routes, link ──▶ tunnel port ──▶ egress ports
 *
 * TUN, firewall, routes and link may exist already, made by `setup`: then they are checked and left as they are.
 * The tunnel port accepts connections, or the other side is dialled, before anything is ready, or no tunnel could ever come up.
 */
export async function startSeedServer(
  options: SeedServerOptions,
  context: DaemonContext<SeedServerOptions>,
): Promise<RunningDaemon> {
  const setting = await resolveSetting(options, context)
  const { log, defer } = context
  const runtime = await openTunnelRuntime('seed', options, setting, context)
  const { tun } = runtime
  const table = createTable(options, setting, runtime, log.child({ component: 'tunnel' }))
  const prober = createProber(options, setting, table, runtime, context)
  const view = {
    peer: 'a shoot-client',
    sessions: () => (table.active === undefined ? [] : [table.active]),
    status: () => describeStatus(options, setting, table, prober),
  }
  await serveAdmin(runtime, options, view, context)

  const applied = await (tun.isPrepared ? checkPreparedSeedNetwork : applySeedNetwork)(setting.plan)
  const network = runtime.network.guard(applied)
  let isStarted = false
  defer('addresses, routes and firewall', () =>
    isStarted ? closeNetwork(network, tun.name, log) : network.revert(),
  )
  logWarnings(log, network.warnings)
  const entrance = await openEntrance({ options, setting, runtime, table }, context)
  const egress = await openEgress(options, setting, table, runtime, context)

  const parts = { options, setting, runtime, entrance, lanes: table, egress, network }
  const reloader = startReloading(parts, [egressTlsPart(parts), networksPart(parts, context)], context)
  isStarted = true
  void prober?.run().catch(context.fail)
  return {
    facts: {
      ...describeStart(runtime, setting),
      networks: setting.networks,
      routedFrom: options.routedFrom,
    },
    stop: async ({ deadlineMs }) => {
      // New callers and lanes would only be cut again; streams may end while the sessions still send.
      prober?.close()
      await entrance.close()
      await egress.close({ graceMs: deadlineMs / 2 })
      await table.close()
    },
    reload: () => reloader.reload(),
  }
}

function createTable(
  options: SeedServerOptions,
  { networks, seedAddresses, shootAddresses, congestion }: Setting,
  runtime: TunnelRuntime,
  log: Logger,
): SessionTable {
  const { mtu, lanesMax, keepaliveMs, deadAfterMs, rotateAfterMs, rotateAfterRecords, drainTimeoutMs } =
    options
  const { tun, totals } = runtime
  return new SessionTable({
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
  })
}
