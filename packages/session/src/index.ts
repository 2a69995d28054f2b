export { TunError } from '@reversed-vpn/node-tun'
export { FlowLedger } from './flow-ledger.js'
export { FrameStream, type FrameStreamHandler } from './frame-stream.js'
export { RejectedError, receiveHello, rejectPeer, rejectUnheard, sendHello } from './handshake.js'
export { Lane, type LaneHandler, type LaneOptions } from './lane/lane.js'
export { createLaneCounters, type DirectionCounters, type LaneCounters } from './lane/lane-counters.js'
export { TrafficTotals } from './lane/traffic-totals.js'
export * from './limits.js'
export {
  type AppliedNetwork,
  applySeedNetwork,
  applyShootNetwork,
  NetworkError,
  type NetworkErrorCode,
  readDropCounters,
  type SeedNetworkPlan,
  type ShootNetworkPlan,
  sweepNetwork,
} from './network/index.js'
export { INTERFACE_SYNTAX, NETWORK_SYNTAX, type ValueSyntax } from './network-values.js'
export { QueueSet } from './queue-set.js'
export {
  createSessionKeys,
  Session,
  type SessionHandler,
  type SessionOptions,
  type SessionPeer,
  type SessionState,
} from './session.js'
export { allNetworks, type ShootNetworks } from './shoot-networks.js'
export { type SocketTuning, tuneLaneSocket } from './socket-tuning.js'
export {
  authorizePeer,
  PEER_REFUSALS,
  type PeerExpectation,
  type PeerRefusal,
  type PeerVerdict,
} from './tls/authorize-peer.js'
export {
  loadTlsMaterial,
  secureContextOptions,
  TLS_DEFAULTS,
  type TlsFiles,
  type TlsMaterial,
  TlsMaterialError,
} from './tls/tls-material.js'
export { createTrafficCheckers, type TrafficCheckers } from './traffic-policy.js'
export { parseTransferAddress, type TransferAddress, transferAddressOf } from './transfer-address.js'
export { openTunnelDevice, type TunnelDevice } from './tunnel-device.js'
export { registerTunnelMetrics, type TunnelMetricsOptions } from './tunnel-metrics.js'
export { describeSession } from './tunnel-status.js'
