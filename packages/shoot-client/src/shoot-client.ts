import { isIP } from 'node:net'
import {
  AdminServer,
  createRegistry,
  type DaemonContext,
  type Logger,
  listenOn,
  type RunningDaemon,
  rateLimited,
} from '@reversed-vpn/daemon'
import {
  chooseCongestion,
  NetworkError,
  openTunnelInterface,
  type TunnelInterface,
} from '@reversed-vpn/host-network'
import { parseTransferAddress, type ShootNetworks } from '@reversed-vpn/ip'
import { isDeviceGone } from '@reversed-vpn/node-tun'
import type { WelcomeMessage } from '@reversed-vpn/protocol'
import { ExpiryWatch } from '@reversed-vpn/secure'
import {
  CLOSE_GRACE_MS,
  dialLane,
  PREFERRED_CONGESTION,
  type Session,
  TrafficTotals,
  type Transport,
  TunnelListener,
} from '@reversed-vpn/session'
import { describeSession, registerCertificateMetrics, reportExpiry } from '@reversed-vpn/tunnel-daemon'
import { Forwarding } from './forwarding.js'
import { createMetrics, PREFIX, type ShootClientMetrics } from './metrics.js'
import type { ShootClientOptions } from './options.js'
import { ownPortsOf } from './own-ports.js'
import { createKeeperEvents } from './reconnect/keeper-log.js'
import { SessionKeeper, type SessionParts } from './reconnect/session-keeper.js'
import { allowedNetworks, createReloader } from './reload.js'
import { describeWay, resolveSetting, type Setting } from './setting.js'

/** Repeated refusals of one source are logged once in this time. */
const REFUSAL_LOG_INTERVAL_MS = 60_000

/**
 * Starts everything, what others depend on first:
 *
 *     options and certificates ──▶ admin ──▶ TUN ──▶ dial ──▶ WELCOME ──▶ firewall, routes, link ──▶ packets
 *
 * What `setup` made before is compared with WELCOME instead. The TUN, its addresses and routes stay while connections come and go.
 */
export async function startShootClient(
  options: ShootClientOptions,
  context: DaemonContext<ShootClientOptions>,
): Promise<RunningDaemon> {
  const congestion = await chooseCongestion(options.congestion, PREFERRED_CONGESTION)
  const setting = resolveSetting({ ...options, congestion: congestion.name }, context)
  const { log } = context
  if (congestion.refusal !== undefined) {
    log.warn({ reason: congestion.refusal }, "connections get the kernel's default congestion control")
  }
  const way = describeWay(setting.way)
  const registry = createRegistry(context)
  const totals = new TrafficTotals()

  const device = await openTunnelInterface({
    name: options.tun,
    offload: options.offload,
    setup: options.networkSetup,
  })
  context.defer('TUN', () => device.close())
  const forwarding = new Forwarding({
    tun: device.name,
    egressInterface: options.egressInterface,
    ownPorts: ownPortsOf(options),
    isPrepared: device.isPrepared,
    allowed: allowedNetworks(options),
    log: log.child({ component: 'forwarding' }),
  })
  context.defer('addresses, routes and firewall', () => forwarding.remove())

  const keeper = new SessionKeeper({
    lanes: options.lanes,
    accepts: device.accepts,
    software: `${context.name}/${context.version}`,
    backoff: { minMs: options.reconnectMinMs, maxMs: options.reconnectMaxMs },
    ...(setting.way.type === 'dial' ? { dial: createDial(setting, setting.way.transport) } : {}),
    openSession: (welcome, remoteAddress, instance) =>
      openSession({ setting, device, forwarding, totals, welcome, remoteAddress, instance }).catch(
        (error) => {
          // What was set up beforehand does not become right by dialling again.
          if (error instanceof NetworkError && error.code === 'ERR_NETWORK_NOT_PREPARED') context.fail(error)
          throw error
        },
      ),
    onWelcomeAgain: (welcome, session) => follow(welcome, forwarding, session, log),
    events: createKeeperEvents({
      log: log.child({ component: 'session' }),
      way,
      metrics: () => metrics,
      onDeviceLost: (error) => context.fail(error),
    }),
  })
  const metrics = createMetrics(registry, device, totals, keeper)
  const expiry = new ExpiryWatch({ onNear: reportExpiry(log.child({ component: 'certificates' })) })
  context.defer('certificate watch', () => expiry.close())
  expiry.set('tunnel', setting.tls.keeper.material.certificates)
  if (setting.gatewayCa) expiry.set('gateway', setting.gatewayCa.keeper.certificates)
  registerCertificateMetrics(registry, PREFIX, () => expiry.sets)

  const admin = new AdminServer({
    endpoint: options.adminListen,
    registry,
    log: log.child({ component: 'admin' }),
    readiness: () =>
      keeper.session?.isSending
        ? { ready: true, reasons: [] }
        : { ready: false, reasons: ['no session with the seed-server is up'] },
    status: () => ({
      tunnelUp: keeper.session?.isSending ?? false,
      session: keeper.session === undefined ? null : describeSession(keeper.session),
      way,
      tun: device.name,
    }),
  })
  context.defer('admin server', () => admin.close())
  await admin.listen()

  const { isPrepared, accepts: offloads } = device
  log.info({ tun: device.name, isPrepared, offloads, way }, 'shoot-client started')
  let listener: TunnelListener | undefined
  if (setting.way.type === 'dial') keeper.start()
  else {
    listener = createListener(setting, context, { keeper, metrics })
    context.defer('tunnel port', () => listener?.close())
    await listenOn(listener.server, setting.way.endpoint)
  }
  const setNetworks = (networks: ShootNetworks) => keeper.session?.setNetworks(networks)
  const targets = { keeper, expiry, forwarding, listener, setNetworks }
  const reloader = createReloader(setting, targets, context, registry)
  reloader.watch()
  context.defer('watched files', () => reloader.close())
  return {
    reload: () => reloader.reload(),
    stop: () => {
      listener?.close()
      return keeper.stop(options.drainTimeoutMs)
    },
    stopDeadlineMs: options.drainTimeoutMs + CLOSE_GRACE_MS,
  }
}

function createDial({ options, tls }: Setting, transport: Transport) {
  const { serverName: peerName, sni = peerName, congestion, deadAfterMs } = options
  const name = isIP(sni) === 0 ? sni : ''
  return (_lane: number, signal: AbortSignal) =>
    dialLane({ transport, tls: tls.keeper.material, peerName, sni: name, congestion, deadAfterMs }, signal)
}

interface ListenerParts {
  readonly keeper: SessionKeeper
  readonly metrics: ShootClientMetrics
}

/** The other direction: the seed-server dials. HELLO is still ours to say. */
function createListener(
  { options, tls }: Setting,
  { log, fail }: DaemonContext,
  { keeper, metrics }: ListenerParts,
): TunnelListener {
  const logRarely = rateLimited(log.child({ component: 'tunnel' }), REFUSAL_LOG_INTERVAL_MS)
  return new TunnelListener({
    tls: tls.keeper.material,
    peerName: options.serverName,
    deadAfterMs: options.deadAfterMs,
    congestion: options.congestion,
    onPeer: (connection, { remoteAddress }) => keeper.take(connection, remoteAddress),
    onRefused: ({ reason, remoteAddress, detail, cause }) => {
      if (isDeviceGone(cause)) fail(cause)
      metrics.refused(reason)
      logRarely('warn', `${reason} ${remoteAddress}`, { reason, remoteAddress, detail }, 'connection refused')
    },
  })
}

/** The seed side announces its networks anew. Where they cannot be had here, those of before stay. */
async function follow(
  welcome: WelcomeMessage,
  forwarding: Forwarding,
  session: Session,
  log: Logger,
): Promise<void> {
  try {
    session.setNetworks(await forwarding.apply(welcome))
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    const fields = { code: error.code, reason: error.message, announced: welcome.networks }
    log.error(fields, 'announced networks refused, going on as before')
  }
}

interface OpenSessionOptions {
  readonly setting: Setting
  readonly device: TunnelInterface
  readonly forwarding: Forwarding
  readonly totals: TrafficTotals
  readonly welcome: WelcomeMessage
  readonly remoteAddress: string
  readonly instance: string
}

async function openSession(input: OpenSessionOptions): Promise<SessionParts> {
  const { setting, device, forwarding, totals, welcome, remoteAddress, instance } = input
  const { options } = setting
  const networks = await forwarding.apply(welcome)
  device.useOffloadsOf(welcome.accepts)
  return {
    id: welcome.session,
    token: welcome.token,
    peer: { name: options.serverName, instance, remoteAddress },
    queues: device.queues,
    totals,
    policy: {
      side: 'shoot',
      networks,
      seedAddresses: welcome.addresses.seed.map(parseTransferAddress),
      mtu: welcome.mtu,
      ownOffloads: device.accepts,
      peerOffloads: welcome.accepts,
    },
    congestion: options.congestion,
    keepaliveMs: options.keepaliveMs,
    deadAfterMs: options.deadAfterMs,
    isReadyOnOpen: true,
  }
}
