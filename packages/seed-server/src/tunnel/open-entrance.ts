import { isIP, type Socket } from 'node:net'
import { type DaemonContext, readProxyHeader } from '@reversed-vpn/daemon'
import { receiveHello, type Transport, TunnelListener, WebSocketListener } from '@reversed-vpn/session'
import {
  listenForTunnel,
  PeerDialler,
  type TunnelEntrance,
  type TunnelRuntime,
} from '@reversed-vpn/tunnel-daemon'
import type { SeedServerOptions } from '../options.js'
import type { Setting } from '../setting.js'
import type { SessionTable } from './session-table.js'
import { TunnelDialler } from './tunnel-dialler.js'

/** What connections of the tunnel are opened from and given to. */
interface EntranceParts {
  readonly options: SeedServerOptions
  readonly setting: Setting
  readonly runtime: TunnelRuntime
  readonly table: SessionTable
}

/** Starts to accept connections of the tunnel, or to dial. @throws EnvironmentError when a port is not available */
export async function openEntrance(parts: EntranceParts, context: DaemonContext): Promise<TunnelEntrance> {
  const { path } = parts.setting
  if (path.type === 'dial') return startDialler(parts, path.transport, context)
  const listener = createListener(parts)
  context.defer('tunnel port', () => listener.close())
  const listening = { maxSegment: parts.options.maxSegment, signal: context.signal }
  await listenForTunnel(listener.server, path.endpoint, listening)
  const { websocketListen } = parts.options
  if (websocketListen === undefined) return listener
  const webSockets = new WebSocketListener({
    onStream: (stream, remoteAddress, below) => listener.accept(stream, remoteAddress, below),
    isProxy: (address) => isTrustedProxy(parts.setting, address),
    onDropped: (reason) => parts.runtime.metrics.refused(reason),
  })
  context.defer('WebSocket port', () => webSockets.close())
  await listenForTunnel(webSockets.server, websocketListen, listening)
  return {
    close() {
      webSockets.close()
      listener.close()
    },
    setTlsMaterial: (material, isTrustNarrower) => listener.setTlsMaterial(material, isTrustNarrower),
  }
}

function startDialler(
  { options, setting, runtime, table }: EntranceParts,
  transport: Transport,
  context: DaemonContext,
): TunnelEntrance {
  const { peerName, deadAfterMs, reconnectMinMs, reconnectMaxMs } = options
  const { congestion, tls, diallerId } = setting
  const dialler = new TunnelDialler({
    table,
    peer: new PeerDialler({ transport, tls: tls.store, peerName, diallerId, congestion, deadAfterMs }),
    backoff: { minMs: reconnectMinMs, maxMs: reconnectMaxMs },
    events: runtime.events,
  })
  context.defer('dialling', () => dialler.stop())
  dialler.start()
  return {
    close: () => dialler.stop(),
    setTlsMaterial: (_, isTrustNarrower) => isTrustNarrower && dialler.dialAnew(),
  }
}

function createListener({ options, setting, runtime, table }: EntranceParts): TunnelListener {
  const { peerName, deadAfterMs } = options
  return new TunnelListener({
    tls: setting.tls.store.material,
    peerName,
    deadAfterMs,
    congestion: setting.congestion,
    isProxy: (address) => isTrustedProxy(setting, address),
    identify: (socket, signal) => readSource(setting, socket, signal),
    onPeer: async (frames, peer) => {
      table.accept(frames, await receiveHello(frames), peer)
    },
    onRefused: (refusal) => runtime.events.onRefused(refusal),
  })
}

function readSource(
  setting: Setting,
  socket: Socket,
  signal: AbortSignal,
): Promise<string | undefined> | undefined {
  if (!isTrustedProxy(setting, socket.remoteAddress)) return undefined
  return readProxyHeader(socket, signal).then(({ source }) => source?.address)
}

function isTrustedProxy({ trustedProxies }: Setting, address: string | undefined): boolean {
  // The usual case, asked for every connection of a flood.
  if (trustedProxies.isEmpty) return false
  const withoutZone = address?.replace(/%.*$/, '') ?? ''
  return isIP(withoutZone) !== 0 && trustedProxies.has(withoutZone)
}
