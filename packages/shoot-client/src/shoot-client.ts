import { isIP } from 'node:net'
import { AdminServer, createRegistry, type DaemonContext, type RunningDaemon } from '@reversed-vpn/daemon'
import type { WelcomeMessage } from '@reversed-vpn/protocol'
import {
  CLOSE_GRACE_MS,
  createTrafficCheckers,
  describeSession,
  openTunnelDevice,
  parseTransferAddress,
  TrafficTotals,
  type TunnelDevice,
} from '@reversed-vpn/session'
import { dialTunnel } from './dial/dial-tunnel.js'
import { Forwarding } from './forwarding.js'
import { createMetrics } from './metrics.js'
import type { ShootClientOptions } from './options.js'
import { createKeeperEvents } from './reconnect/keeper-log.js'
import { SessionKeeper, type SessionParts } from './reconnect/session-keeper.js'
import { resolveSetting, type Setting } from './setting.js'

/**
 * Starts everything, what others depend on first:
 *
 *     options and certificates ──▶ admin ──▶ TUN ──▶ dial ──▶ WELCOME ──▶ firewall, routes, link ──▶ packets
 *
 * The TUN, its addresses and routes stay while connections come and go.
 */
export async function startShootClient(
  options: ShootClientOptions,
  context: DaemonContext,
): Promise<RunningDaemon> {
  const setting = resolveSetting(options, context)
  const { log } = context
  const registry = createRegistry(context.name, context.version)
  const totals = new TrafficTotals()

  const device = openTunnelDevice(options.tun, options.offload)
  context.defer('TUN', () => device.close())
  const forwarding = new Forwarding({
    tun: device.name,
    egressInterface: options.egressInterface,
    ownPorts: [options.adminListen.port].filter((port) => port > 0),
    allowed: { pod: options.podNetwork, service: options.serviceNetwork, node: options.nodeNetwork },
    log: log.child({ component: 'forwarding' }),
  })
  context.defer('addresses, routes and firewall', () => forwarding.remove())

  const keeper = new SessionKeeper({
    lanes: options.lanes,
    accepts: device.accepts,
    software: `${context.name}/${context.version}`,
    backoff: { minMs: options.reconnectMinMs, maxMs: options.reconnectMaxMs },
    dial: (signal) => dialSeed(setting, signal),
    openSession: (welcome, remoteAddress, instance) =>
      openSession({ setting, device, forwarding, totals, welcome, remoteAddress, instance }),
    events: createKeeperEvents({
      log: log.child({ component: 'session' }),
      way: setting.transport.description,
      metrics: () => metrics,
      onDeviceLost: (error) => context.fail(error),
    }),
  })
  const metrics = createMetrics(registry, device.name, totals, keeper)
  metrics.certificateEnds(setting.tls.notAfterMs)

  const admin = new AdminServer({
    endpoint: options.adminListen,
    registry,
    log: log.child({ component: 'admin' }),
    readiness: () =>
      keeper.session?.isCarrying
        ? { ready: true, reasons: [] }
        : { ready: false, reasons: ['no session with the seed-server is up'] },
    status: () => ({
      tunnelUp: keeper.session?.isCarrying ?? false,
      session: keeper.session === undefined ? null : describeSession(keeper.session),
      way: setting.transport.description,
      tun: device.name,
    }),
  })
  context.defer('admin server', () => admin.close())
  await admin.listen()

  log.info(
    { tun: device.name, offloads: device.accepts, way: setting.transport.description },
    'shoot-client started',
  )
  keeper.start()
  return {
    stop: () => keeper.stop(options.drainTimeoutMs),
    stopDeadlineMs: options.drainTimeoutMs + CLOSE_GRACE_MS,
  }
}

function dialSeed({ options, tls, transport }: Setting, signal: AbortSignal) {
  const { serverName, sni = serverName, congestion, deadAfterMs } = options
  return dialTunnel(
    { transport, tls, serverName, sni: isIP(sni) === 0 ? sni : '', congestion, deadAfterMs },
    signal,
  )
}

interface OpenSessionOptions {
  readonly setting: Setting
  readonly device: TunnelDevice
  readonly forwarding: Forwarding
  readonly totals: TrafficTotals
  readonly welcome: WelcomeMessage
  readonly remoteAddress: string
  readonly instance: string
}

async function openSession(input: OpenSessionOptions): Promise<SessionParts> {
  const { setting, device, forwarding, totals, welcome, remoteAddress, instance } = input
  const { options } = setting
  await forwarding.apply(welcome)
  device.useOffloadsOf(welcome.accepts)
  const checkers = createTrafficCheckers('shoot', {
    networks: forwarding.allowedNetworks(welcome),
    seedAddresses: welcome.addresses.seed.map(parseTransferAddress),
    mtu: welcome.mtu,
    ownOffloads: device.accepts,
    peerOffloads: welcome.accepts,
  })
  return {
    id: welcome.session,
    token: welcome.token,
    peer: { name: options.serverName, instance, remoteAddress },
    queues: device.queues,
    totals,
    toPeerChecker: checkers.toPeer,
    fromPeerChecker: checkers.fromPeer,
    keepaliveMs: options.keepaliveMs,
    deadAfterMs: options.deadAfterMs,
    isReadyOnOpen: true,
  }
}
