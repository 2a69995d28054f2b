import { randomBytes } from 'node:crypto'
import type { DaemonContext, RunningDaemon } from '@reversed-vpn/daemon'
import { CLOSE_GRACE_MS } from '@reversed-vpn/session'
import {
  describePath,
  describeSession,
  describeStart,
  describeStreams,
  networksOf,
  openTunnelRuntime,
  PeerDialler,
  serveAdmin,
  startReloading,
  type TunnelRuntime,
} from '@reversed-vpn/tunnel-daemon'
import { Forwarding } from './forwarding.js'
import { createManagerEvents } from './manager-events.js'
import { openEntrance } from './open-entrance.js'
import { ownPortsOf, type ShootClientOptions } from './options.js'
import { gatewayCaPart, networksPart } from './reload.js'
import { SeedServers } from './seed-servers.js'
import { SessionManager } from './session-manager.js'
import { resolveSetting, type Setting } from './setting.js'
import { openStreams, type Streams } from './streams/open-streams.js'

/**
 * Starts everything, in the order of dependence:
 *
 *     options and certificates ──▶ TUN ──▶ admin ──▶ dial ──▶ WELCOME ──▶ firewall, routes, link ──▶ packets
 *
 * What `setup` made is compared with WELCOME instead. The TUN, its addresses and routes stay while connections come and go.
 */
export async function startShootClient(
  options: ShootClientOptions,
  context: DaemonContext<ShootClientOptions>,
): Promise<RunningDaemon> {
  const setting = await resolveSetting(options, context)
  const { log, defer } = context
  const runtime = await openTunnelRuntime('shoot', options, setting, context)
  const { tun } = runtime
  const hasPackets = setting.carries.includes('packets')
  const streams = openStreams(options, setting, runtime, context)
  const forwarding = new Forwarding({
    tun: hasPackets ? tun.name : undefined,
    egressInterface: options.egressInterface,
    ownPorts: ownPortsOf(options),
    isPrepared: tun.isPrepared,
    allowed: networksOf(options),
    transferNetworks: options.vpnNetwork,
    onNetworks: (networks) => streams?.setNetworks(networks),
    guard: (network) => runtime.network.guard(network),
    log: log.child({ component: 'forwarding' }),
  })
  defer('addresses, routes and firewall', () => forwarding.remove())
  const seedServers = createSeedServers({ options, setting, runtime, forwarding, streams }, context)
  const view = {
    peer: 'the seed-server',
    sessions: () => seedServers.sessions,
    status: () => ({
      session: seedServers.sessions.map(describeSession)[0] ?? null,
      sessions: seedServers.sessions.map(describeSession),
      transport: describePath(setting.path),
      carries: setting.carries,
      streams: seedServers.multiplexers.map(describeStreams),
      tun: hasPackets ? tun.name : null,
    }),
  }
  await serveAdmin(runtime, options, view, context)

  const entrance = await openEntrance(options, setting, runtime, seedServers, context)
  const reloader = startReloading(
    { options, setting, runtime, entrance, lanes: seedServers },
    [gatewayCaPart(setting, runtime), networksPart(forwarding, seedServers, context)],
    context,
  )
  return {
    facts: describeStart(runtime, setting),
    reload: () => reloader.reload(),
    stop: async () => {
      await entrance.close()
      await seedServers.stop(options.drainTimeoutMs)
      streams?.targets.abort()
    },
    stopDeadlineMs: options.drainTimeoutMs + CLOSE_GRACE_MS,
  }
}

interface ShootParts {
  readonly options: ShootClientOptions
  readonly setting: Setting
  readonly runtime: TunnelRuntime
  readonly forwarding: Forwarding
  readonly streams: Streams | undefined
}

function createSeedServers(
  { options, setting, runtime, forwarding, streams }: ShootParts,
  { name, version, log }: DaemonContext,
): SeedServers {
  const { path, tls, congestion, carries } = setting
  const { tun, totals, events } = runtime
  const {
    serverName: peerName,
    sni,
    lanes,
    keepaliveMs,
    deadAfterMs,
    reconnectMinMs,
    reconnectMaxMs,
  } = options
  const dialling = { tls: tls.store, peerName, sni, congestion, deadAfterMs }
  const ofAll = {
    instance: randomBytes(16).toString('hex'),
    peer: path.type === 'dial' ? new PeerDialler({ transport: path.transport, ...dialling }) : undefined,
    peerName,
    totals,
    lanes,
    laneSetting: { congestion, keepaliveMs, deadAfterMs },
    software: `${name}/${version}`,
    backoff: { minMs: reconnectMinMs, maxMs: reconnectMaxMs },
    carries,
  }
  return new SeedServers({
    tun,
    forwarding,
    events: createManagerEvents(events, log.child({ component: 'tunnel' })),
    createStreams: streams?.createSeedStreams,
    createManager: (parts) => new SessionManager({ ...ofAll, ...parts }),
  })
}
