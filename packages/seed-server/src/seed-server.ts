import type { DaemonContext, RunningDaemon } from '@reversed-vpn/daemon'
import { describeStart, openTunnelRuntime, serveAdmin, startReloading } from '@reversed-vpn/tunnel-daemon'
import { openEgress } from './egress.js'
import { openHostNetwork } from './host-network.js'
import type { SeedServerOptions } from './options.js'
import { createProber } from './probe.js'
import { egressTlsPart, networksPart } from './reload.js'
import { resolveSetting } from './setting.js'
import { describeStatus } from './status.js'
import { openEntrance } from './tunnel/open-entrance.js'
import { createTables } from './tunnel/tunnel-tables.js'

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
  const runtime = await openTunnelRuntime('seed', options, setting, context)
  const tables = createTables(options, setting, runtime, context.log.child({ component: 'tunnel' }))
  const { table } = tables
  const prober = createProber(options, setting, table, runtime, context)
  const view = {
    peer: 'a shoot-client',
    sessions: () => (table.active === undefined ? [] : [table.active]),
    status: () => describeStatus(options, setting, tables, prober),
  }
  await serveAdmin(runtime, options, view, context)

  const network = setting.carries.includes('packets')
    ? await openHostNetwork(setting.plan, runtime, context)
    : undefined
  const entrance = await openEntrance({ options, setting, runtime, table }, context)
  const egress = await openEgress(options, setting, tables, runtime, context)

  const parts = { options, setting, runtime, entrance, lanes: table, egress, network }
  const reloader = startReloading(parts, [egressTlsPart(parts), networksPart(parts, context)], context)
  network?.onStarted()
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
