import { isIP } from 'node:net'
import {
  AdminServer,
  createRegistry,
  type DaemonContext,
  listenOn,
  type RunningDaemon,
  rateLimited,
  readProxyHeader,
} from '@reversed-vpn/daemon'
import { EgressProxy } from '@reversed-vpn/egress-proxy'
import {
  applySeedNetwork,
  checkPreparedSeedNetwork,
  chooseCongestion,
  openTunnelInterface,
} from '@reversed-vpn/host-network'
import { isDeviceGone } from '@reversed-vpn/node-tun'
import { authorizePeer, ExpiryWatch, type TlsMaterial } from '@reversed-vpn/secure'
import {
  directTransport,
  PREFERRED_CONGESTION,
  receiveHello,
  TrafficTotals,
  TunnelListener,
  WebSocketListener,
} from '@reversed-vpn/session'
import { registerCertificateMetrics, reportExpiry } from '@reversed-vpn/tunnel-daemon'
import { createMetrics, PREFIX, type SeedServerMetrics } from './metrics.js'
import type { SeedServerOptions } from './options.js'
import { createReloader, egressNetworks } from './reload.js'
import { describeWay, resolveSetting, type Setting } from './setting.js'
import { describeReadiness, describeStatus } from './status.js'
import { createSessionEvents } from './tunnel/session-log.js'
import { SessionTable } from './tunnel/session-table.js'
import { TunnelDialler } from './tunnel/tunnel-dialler.js'

/** Repeated refusals of one source are logged once in this time. */
const REFUSAL_LOG_INTERVAL_MS = 60_000

/**
 * Starts everything, what others depend on first:
 *
 *     options and certificates ──▶ admin ──▶ TUN ──▶ firewall, routes, link ──▶ tunnel port ──▶ egress ports
 *
 * TUN, firewall, routes and link may be there already, made by `setup`: then they are looked at and left as they are.
 * The tunnel port takes connections, or the other side is dialled, before anything is ready, or no tunnel could ever come up.
 */
export async function startSeedServer(
  options: SeedServerOptions,
  context: DaemonContext<SeedServerOptions>,
): Promise<RunningDaemon> {
  const congestion = await chooseCongestion(options.congestion, PREFERRED_CONGESTION)
  const setting = resolveSetting({ ...options, congestion: congestion.name }, context)
  const { log } = context
  if (congestion.refusal !== undefined) {
    log.warn({ reason: congestion.refusal }, "connections get the kernel's default congestion control")
  }
  const registry = createRegistry(context)
  const totals = new TrafficTotals()

  const device = await openTunnelInterface({
    name: options.tun,
    offload: options.offload,
    setup: options.networkSetup,
  })
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
    congestion: congestion.name,
    drainTimeoutMs: options.drainTimeoutMs,
    rotateAfterMs: options.rotateAfterMs,
    rotateAfterRecords: options.rotateAfterRecords,
    events: createSessionEvents({
      log: log.child({ component: 'sessions' }),
      metrics: () => metrics,
      onDeviceLost: (error) => context.fail(error),
    }),
  })
  const metrics = createMetrics(registry, device, totals, table)
  const expiry = new ExpiryWatch({ onNear: reportExpiry(log.child({ component: 'certificates' })) })
  context.defer('certificate watch', () => expiry.close())
  expiry.set('tunnel', setting.tunnelTls.keeper.material.certificates)
  if (setting.egressTls) expiry.set('egress', setting.egressTls.keeper.material.certificates)
  registerCertificateMetrics(registry, PREFIX, () => expiry.sets)

  const admin = new AdminServer({
    endpoint: options.adminListen,
    registry,
    log: log.child({ component: 'admin' }),
    readiness: () => describeReadiness(table),
    status: () => describeStatus(setting, table.networks, table),
  })
  context.defer('admin server', () => admin.close())
  await admin.listen()

  const network = await (device.isPrepared ? checkPreparedSeedNetwork : applySeedNetwork)(setting.plan)
  context.defer('addresses, routes and firewall', () => network.close())
  for (const { message, ...fields } of network.warnings) log.warn(fields, message)

  const tunnel = await openTunnel(setting, context, { table, metrics })
  const egress = createEgress(setting, context, table, metrics)
  context.defer('egress ports', () => egress.abort())
  await egress.listen()

  const setTunnelTls = (material: TlsMaterial, isTrustNarrower: boolean) =>
    tunnel.setTlsMaterial(material, isTrustNarrower)
  const targets = { table, egress, expiry, network, setTunnelTls }
  const reloader = createReloader(setting, targets, context, registry)
  reloader.watch()
  context.defer('watched files', () => reloader.close())

  const way = describeWay(setting.way)
  log.info(
    {
      tun: device.name,
      isPrepared: device.isPrepared,
      offloads: device.accepts,
      way,
      networks: setting.networks,
    },
    'seed-server started',
  )
  return {
    stop: async ({ deadlineMs }) => {
      // New callers and lanes would only be cut again; streams may end while the sessions still carry them.
      await tunnel.close()
      await egress.close({ graceMs: deadlineMs / 2 })
      await table.close()
    },
    reload: () => reloader.reload(),
  }
}

/** What connections of the tunnel are for. */
interface TunnelParts {
  readonly table: SessionTable
  readonly metrics: SeedServerMetrics
}

/** What brings connections of the tunnel. */
interface TunnelEntrance {
  /** Takes or makes no more; lanes that are up stay. Idempotent. */
  close(): void | Promise<void>
  /** Counts for every connection from now on. See `TunnelListener`. */
  setTlsMaterial(material: TlsMaterial, isTrustNarrower: boolean): void
}

async function openTunnel(
  setting: Setting,
  context: DaemonContext,
  parts: TunnelParts,
): Promise<TunnelEntrance> {
  const { type, endpoint } = setting.way
  if (type === 'dial') {
    const dialler = createDialler(setting, context, parts)
    context.defer('dialling', () => dialler.stop())
    dialler.start()
    return {
      close: () => dialler.stop(),
      setTlsMaterial: (_, isTrustNarrower) => isTrustNarrower && dialler.dialAnew(),
    }
  }
  const listener = createListener(setting, context, parts)
  context.defer('tunnel port', () => listener.close())
  await listenOn(listener.server, endpoint)
  const { websocketListen } = setting.options
  if (websocketListen === undefined) return listener
  const webSockets = new WebSocketListener({
    onStream: (stream, remoteAddress, below) => listener.accept(stream, remoteAddress, below),
    isProxy: (address) => isTrusted(setting, address),
    onDropped: (reason) => parts.metrics.refused(reason),
  })
  context.defer('WebSocket port', () => webSockets.close())
  await listenOn(webSockets.server, websocketListen)
  return {
    close() {
      webSockets.close()
      listener.close()
    },
    setTlsMaterial: (material, isTrustNarrower) => listener.setTlsMaterial(material, isTrustNarrower),
  }
}

function createDialler(
  { options, way, tunnelTls }: Setting,
  { log, fail }: DaemonContext,
  { table, metrics }: TunnelParts,
): TunnelDialler {
  const tunnelLog = log.child({ component: 'tunnel' })
  return new TunnelDialler({
    table,
    transport: directTransport(way.endpoint),
    tls: () => tunnelTls.keeper.material,
    peerName: options.peerName,
    sni: isIP(options.peerName) === 0 ? options.peerName : '',
    deadAfterMs: options.deadAfterMs,
    congestion: options.congestion,
    lanesMax: options.lanesMax,
    backoff: { minMs: options.reconnectMinMs, maxMs: options.reconnectMaxMs },
    onFailed: (lane, error, waitMs) => {
      if (isDeviceGone(error.cause)) fail(error.cause)
      metrics.dialFailed(error.failure)
      const { failure: reason, message: detail } = error
      const retryInMs = Math.round(waitMs)
      tunnelLog.warn({ lane, way: describeWay(way), reason, detail, retryInMs }, 'dial failed')
    },
  })
}

function createListener(
  setting: Setting,
  { log, fail }: DaemonContext,
  { table, metrics }: TunnelParts,
): TunnelListener {
  const { options, tunnelTls } = setting
  const logRarely = rateLimited(log.child({ component: 'tunnel' }), REFUSAL_LOG_INTERVAL_MS)
  return new TunnelListener({
    tls: tunnelTls.keeper.material,
    peerName: options.peerName,
    deadAfterMs: options.deadAfterMs,
    congestion: options.congestion,
    isProxy: (address) => isTrusted(setting, address),
    identify: (socket, signal) =>
      isTrusted(setting, socket.remoteAddress)
        ? readProxyHeader(socket, signal).then(({ source }) => source?.address)
        : undefined,
    onPeer: async (connection, peer) => {
      table.accept(connection, await receiveHello(connection), peer)
    },
    onRefused: ({ reason, remoteAddress, detail, cause }) => {
      if (isDeviceGone(cause)) fail(cause)
      metrics.refused(reason)
      logRarely('warn', `${reason} ${remoteAddress}`, { reason, remoteAddress, detail }, 'connection refused')
    },
  })
}

/** Whether connections from there are a proxy's. */
function isTrusted({ trustedProxies }: Setting, address: string | undefined): boolean {
  // The usual case, asked for every connection of a flood.
  if (trustedProxies.isEmpty) return false
  const withoutZone = address?.replace(/%.*$/, '') ?? ''
  return isIP(withoutZone) !== 0 && trustedProxies.has(withoutZone)
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
    endpoints: options.egressListen,
    tls: egressTls?.keeper.material,
    authorizeCaller: (socket) => authorizePeer(socket, { name: options.egressPeerName, usage: 'client' }),
    gate: table,
    networks: egressNetworks(networks, options.vpnNetwork),
    transfer: { ipv4: addressOf(4), ipv6: addressOf(6) },
    logger: log.child({ component: 'egress' }),
    metrics: metrics.egress,
    holdMs: options.egressHoldMs,
    holdMax: options.egressHoldMax,
  })
}
