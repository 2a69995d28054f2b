export { findCarryProblem } from './carried-kinds.js'
export { defineTunnelDaemon } from './define-tunnel-daemon.js'
export { type LinkSetting, networksOf, resolveLink } from './link-setting.js'
export { listenForTunnel } from './listen-for-tunnel.js'
export { interfaceName, network, routedSource } from './option-kinds.js'
export {
  adminOption,
  ignoredBySetup,
  networkOptions,
  SETUP_OPTIONS,
  TUNNEL_OPTIONS,
} from './options.js'
export { PeerDialler } from './peer-dialler.js'
export {
  networksReloadPart,
  startReloading,
  type TunnelEntrance,
  type TunnelReload,
  tlsReloadPart,
} from './reload.js'
export { closeNetwork, describeSetup, logWarnings, runSetup } from './setup.js'
export { STREAM_CLOCK } from './stream-clock.js'
export { describeStreams } from './stream-status.js'
export { StreamTotals } from './stream-totals.js'
export type { TunnelEvents } from './tunnel-events.js'
export { describeStart, openTunnelRuntime, serveAdmin, type TunnelRuntime } from './tunnel-runtime.js'
export {
  describePath,
  type LaneSetting,
  loadTls,
  resolveCongestion,
  resolveTunnelSetting,
  type TunnelPath,
  type TunnelSetting,
  type Watched,
} from './tunnel-setting.js'
export { describeSession } from './tunnel-status.js'
