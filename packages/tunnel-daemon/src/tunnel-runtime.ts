import {
  AdminServer,
  createRegistry,
  type DaemonContext,
  metricsPrefix,
  type Registry,
} from '@reversed-vpn/daemon'
import {
  openTunnelInterface,
  readConntrackUsage,
  type TunnelInterface,
  withoutInterface,
} from '@reversed-vpn/host-network'
import type { ExpiryWatch } from '@reversed-vpn/secure'
import { type Session, TrafficTotals } from '@reversed-vpn/session'
import { watchExpiry } from './certificate-expiry.js'
import { watchConntrack } from './conntrack-watch.js'
import { watchForeignDrops } from './foreign-drop-watch.js'
import { createNetworkWatch, type NetworkWatch } from './network-watch.js'
import type { TunnelOptions } from './options.js'
import { createStreamMetrics } from './stream-metrics.js'
import type { StreamTotals } from './stream-totals.js'
import { createTunnelEvents, type TunnelEvents } from './tunnel-events.js'
import { createTunnelMetrics, type TunnelMetrics } from './tunnel-metrics.js'
import { describePath, type TunnelPath, type TunnelSetting } from './tunnel-setting.js'

/** What a daemon of the tunnel stands on, on either side. */
export interface TunnelRuntime {
  readonly registry: Registry
  readonly metrics: TunnelMetrics
  readonly events: TunnelEvents
  /** Without a name where no packets are carried: nothing of this machine's network is touched or watched then. */
  readonly tun: TunnelInterface
  readonly totals: TrafficTotals
  readonly streamTotals: StreamTotals
  readonly expiry: ExpiryWatch
  readonly network: NetworkWatch
}

/** What is shown of the running daemon. */
interface TunnelView {
  /** Those that packets to peers use now. */
  sessions(): readonly Session[]
  /** Who is missing while there is none: `a shoot-client`. */
  readonly peer: string
  /** The rest of `/status`. Holds no secret. */
  status(): object
}

/** Opens the TUN, and starts what counts, logs and watches. All of it is deferred to the end of the process. */
export async function openTunnelRuntime(
  side: 'seed' | 'shoot',
  options: TunnelOptions,
  setting: TunnelSetting & { readonly path: TunnelPath },
  context: DaemonContext,
): Promise<TunnelRuntime> {
  const { name, log, defer, fail, explain, setTrouble } = context
  if (setting.congestionRefusal !== undefined) {
    log.warn({ reason: setting.congestionRefusal }, 'lanes use the default congestion control of the kernel')
  }
  const hasPackets = setting.carries.includes('packets')
  const { tun: tunName, offload, networkSetup } = options
  const tun = hasPackets
    ? await openTunnelInterface({ name: tunName, offload, setup: networkSetup })
    : withoutInterface()
  defer('TUN', () => tun.close())
  const registry = createRegistry(context)
  const prefix = metricsPrefix(name)
  const totals = new TrafficTotals()
  const metrics = createTunnelMetrics({
    registry,
    prefix,
    side,
    totals,
    tun: tun.isPrepared || !hasPackets ? undefined : tun.name,
  })
  if (hasPackets) {
    const conntrackLog = log.child({ component: 'conntrack' })
    const conntrack = watchConntrack({ registry, prefix, log: conntrackLog, read: readConntrackUsage })
    defer('conntrack watch', () => conntrack.close())
  }
  const events = createTunnelEvents({
    log: log.child({ component: 'tunnel' }),
    metrics,
    transport: describePath(setting.path),
    caFile: options.tlsCa,
    fail,
    explain,
    setTrouble,
  })
  const expiry = watchExpiry(log.child({ component: 'certificates' }), registry, prefix)
  defer('certificate watch', () => expiry.close())
  const networkLog = log.child({ component: 'network' })
  const network = createNetworkWatch({ registry, prefix, log: networkLog, tun })
  if (hasPackets) {
    const foreignDrops = watchForeignDrops({ registry, prefix, log: networkLog, tun: tun.name })
    defer('watch of other firewalls', () => foreignDrops.close())
  }
  const streamTotals = createStreamMetrics({ registry, prefix, side })
  return { registry, metrics, events, tun, totals, streamTotals, expiry, network }
}

/** What the log line of the start tells. */
export function describeStart(
  { tun: { name, isPrepared, accepts } }: TunnelRuntime,
  { path, carries }: Pick<TunnelSetting, 'carries'> & { readonly path: TunnelPath },
) {
  const transport = describePath(path)
  if (!carries.includes('packets')) return { carries, transport }
  return { carries, tun: name, isPrepared, offloads: accepts, transport }
}

/** Opens the admin port. Ready means: packets can be sent to the peer, and the network of this machine is as it should be. */
export async function serveAdmin(
  { registry, metrics, network }: TunnelRuntime,
  { adminListen }: Pick<TunnelOptions, 'adminListen'>,
  view: TunnelView,
  { log, defer, signal }: DaemonContext,
): Promise<void> {
  const isUp = () => view.sessions().some(({ isSending }) => isSending)
  metrics.observe(() => view.sessions())
  const admin = new AdminServer({
    endpoint: adminListen,
    signal,
    registry,
    log: log.child({ component: 'admin' }),
    readiness: () => {
      const reasons = [...(isUp() ? [] : [`no session with ${view.peer} is up`]), ...network.reasons()]
      return { ready: reasons.length === 0, reasons }
    },
    status: () => ({ tunnelUp: isUp(), network: network.status(), ...view.status() }),
  })
  defer('admin server', () => admin.close())
  await admin.listen()
}
