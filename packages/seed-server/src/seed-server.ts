import {
  AdminServer,
  createRegistry,
  type DaemonContext,
  type RunningDaemon,
  rateLimited,
} from '@reversed-vpn/daemon'
import { CidrSet, FORBIDDEN_DESTINATIONS } from '@reversed-vpn/protocol'
import {
  allNetworks,
  applySeedNetwork,
  authorizePeer,
  openTunnelDevice,
  TrafficTotals,
} from '@reversed-vpn/session'
import { EgressProxy } from './egress/index.js'
import { createMetrics, type SeedServerMetrics } from './metrics.js'
import type { SeedServerOptions } from './options.js'
import { resolveSetting, type Setting } from './setting.js'
import { describeReadiness, describeStatus } from './status.js'
import { createSessionEvents } from './tunnel/session-log.js'
import { SessionTable } from './tunnel/session-table.js'
import { TunnelListener } from './tunnel/tunnel-listener.js'

/** Repeated refusals of one source are logged once in this time. */
const REFUSAL_LOG_INTERVAL_MS = 60_000

/**
 * Starts everything, what others depend on first:
 *
 *     options and certificates ──▶ admin ──▶ TUN ──▶ firewall, routes, link ──▶ tunnel port ──▶ egress ports
 *
 * The tunnel port takes connections before anything is ready, or no tunnel could ever come up.
 */
export async function startSeedServer(
  options: SeedServerOptions,
  context: DaemonContext,
): Promise<RunningDaemon> {
  const setting = resolveSetting(options, context)
  const { log } = context
  const registry = createRegistry(context.name, context.version)
  const totals = new TrafficTotals()

  const device = openTunnelDevice(options.tun, options.offload)
  context.defer('TUN', () => device.close())
  const table = new SessionTable({
    device,
    totals,
    networks: setting.networks,
    seedAddresses: setting.seedAddresses,
    shootAddresses: setting.shootAddresses,
    mtu: options.mtu,
    lanesMax: options.lanesMax,
    keepaliveMs: options.keepaliveMs,
    deadAfterMs: options.deadAfterMs,
    drainTimeoutMs: options.drainTimeoutMs,
    events: createSessionEvents({
      log: log.child({ component: 'sessions' }),
      metrics: () => metrics,
      onDeviceLost: (error) => context.fail(error),
    }),
  })
  const metrics = createMetrics(registry, device.name, totals, table)
  metrics.certificateEnds('tunnel', setting.tunnelTls.notAfterMs)
  metrics.certificateEnds('egress', setting.egressTls.notAfterMs)

  const admin = new AdminServer({
    endpoint: options.adminListen,
    registry,
    log: log.child({ component: 'admin' }),
    readiness: () => describeReadiness(table),
    status: () => describeStatus(setting, table),
  })
  context.defer('admin server', () => admin.close())
  await admin.listen()

  const network = await applySeedNetwork({
    tun: device.name,
    mtu: options.mtu,
    seedAddresses: setting.seedAddresses.map(({ cidr }) => cidr),
    shootAddresses: setting.shootAddresses.map(({ cidr }) => cidr),
    networks: setting.networks,
  })
  context.defer('addresses, routes and firewall', () => network.close())
  for (const warning of network.warnings) log.warn(warning)

  const listener = createListener(setting, context, table, metrics)
  context.defer('tunnel port', () => listener.close())
  await listener.listen(options.listen)
  const egress = createEgress(setting, context, table, metrics)
  context.defer('egress ports', () => egress.abort())
  await egress.listen()

  log.info({ tun: device.name, offloads: device.accepts, networks: setting.networks }, 'seed-server started')
  return {
    stop: async ({ deadlineMs }) => {
      // New callers and lanes would only be cut again; streams may end while the sessions still carry them.
      listener.close()
      await egress.close({ graceMs: deadlineMs / 2 })
      await table.close()
    },
  }
}

function createListener(
  { options, tunnelTls }: Setting,
  { log }: DaemonContext,
  table: SessionTable,
  metrics: SeedServerMetrics,
): TunnelListener {
  const logRarely = rateLimited(log.child({ component: 'tunnel' }), REFUSAL_LOG_INTERVAL_MS)
  return new TunnelListener({
    tls: tunnelTls,
    peerName: options.peerName,
    deadAfterMs: options.deadAfterMs,
    onHello: (frames, hello, peer) => table.accept(frames, hello, peer),
    onRefused: (reason, remoteAddress, detail) => {
      metrics.refused(reason)
      logRarely('warn', `${reason} ${remoteAddress}`, { reason, remoteAddress, detail }, 'connection refused')
    },
  })
}

function createEgress(
  setting: Setting,
  { log }: DaemonContext,
  table: SessionTable,
  metrics: SeedServerMetrics,
): EgressProxy {
  const { options, networks, egressTls, seedAddresses } = setting
  const addressOf = (family: 4 | 6) => seedAddresses.find((transfer) => transfer.family === family)?.address
  return new EgressProxy({
    endpoints: options.egressListen.map((endpoint) =>
      endpoint.type === 'unix' ? { path: endpoint.path } : endpoint,
    ),
    tls: egressTls,
    authoriseCaller: (socket) => authorizePeer(socket, { name: options.egressPeerName, usage: 'client' }),
    gate: table,
    networks: {
      allowed: CidrSet.of(allNetworks(networks)),
      refused: CidrSet.of([...FORBIDDEN_DESTINATIONS, ...options.vpnNetwork]),
    },
    transfer: { ipv4: addressOf(4), ipv6: addressOf(6) },
    logger: log.child({ component: 'egress' }),
    metrics: metrics.egress,
    limits: { holdMs: options.egressHoldMs, holdMax: options.egressHoldMax },
  })
}
