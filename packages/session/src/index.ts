export { TunError } from '@reversed-vpn/node-tun'
export { type CongestionChoice, chooseCongestion } from './congestion.js'
export { Backoff, type BackoffOptions } from './dial/backoff.js'
export { type DialledConnection, dialLane } from './dial/dial-lane.js'
export {
  type DialledPeer,
  type DialTunnelOptions,
  dialTunnel,
  type SecureTunnelOptions,
} from './dial/dial-tunnel.js'
export { type DialTarget, directTransport, openTcp } from './dial/direct-transport.js'
export { LaneDialler, type LaneDiallerOptions } from './dial/lane-dialler.js'
export { DIAL_FAILURES, DialError, type DialFailure, type Transport, toDialError } from './dial/transport.js'
export { FlowLedger } from './flow-ledger.js'
export { FrameStream, type FrameStreamHandler } from './frame-stream.js'
export { RejectedError, receiveHello, rejectPeer, rejectUnheard, sendHello } from './handshake.js'
export { FlowRates } from './lane/flow-rates.js'
export { FlowSteering, type SteeredLane } from './lane/flow-steering.js'
export { FlowTable } from './lane/flow-table.js'
export { Lane, type LaneOptions } from './lane/lane.js'
export { createLaneCounters, type DirectionCounters, type LaneCounters } from './lane/lane-counters.js'
export type { LaneHandler, RotationReason, SessionLane } from './lane/session-lane.js'
export { type SendingPath, StartupWatch } from './lane/startup-watch.js'
export { TrafficTotals } from './lane/traffic-totals.js'
export * from './limits.js'
export { REFUSAL_REASONS, type RefusalReason, refusalReasonOf } from './listen/refusal-reason.js'
export {
  type ConnectionRefusal,
  TunnelListener,
  type TunnelListenerOptions,
} from './listen/tunnel-listener.js'
export {
  UNFINISHED_LIMITS,
  type UnfinishedConnection,
  UnfinishedConnections,
  type UnfinishedDrop,
  type UnfinishedLimits,
} from './listen/unfinished-connections.js'
export { WebSocketListener, type WebSocketListenerOptions } from './listen/web-socket-listener.js'
export {
  type AppliedNetwork,
  applySeedNetwork,
  applyShootNetwork,
  checkPreparedSeedNetwork,
  checkPreparedShootNetwork,
  NetworkError,
  type NetworkErrorCode,
  readDropCounters,
  removeSetUpNetwork,
  SEED_DROP_COUNTERS,
  type SeedNetworkPlan,
  type SetUpNetwork,
  type SetupOwner,
  SHOOT_DROP_COUNTERS,
  type ShootNetworkPlan,
  setUpSeedNetwork,
  setUpShootNetwork,
  sweepNetwork,
  type UpdatableNetwork,
} from './network/index.js'
export {
  DEFAULT_TRANSFER_NETWORKS,
  INTERFACE_SYNTAX,
  NETWORK_SYNTAX,
  TRANSFER_NETWORK_SYNTAX,
  type ValueSyntax,
} from './network-values.js'
export { QueueSet } from './queue-set.js'
export {
  createSessionKeys,
  type LaneConnection,
  Session,
  type SessionHandler,
  type SessionOptions,
  type SessionPeer,
  type SessionState,
} from './session.js'
export { allNetworks, type ShootNetworks } from './shoot-networks.js'
export { hasReadAll, type SocketTuning, tuneLaneSocket } from './socket-tuning.js'
export { AskingDiverter, type AskingDiverterOptions } from './threads/asking-diverter.js'
export type { GcPause } from './threads/gc-pauses.js'
export { type GivenDescriptor, LaneMemory } from './threads/lane-memory.js'
export { LaneThreads, type LaneThreadsOptions } from './threads/lane-threads.js'
export { THREAD_COUNT_SYNTAX } from './threads/thread-count.js'
export {
  authorizePeer,
  PEER_REFUSALS,
  type PeerExpectation,
  type PeerRefusal,
  type PeerVerdict,
} from './tls/authorize-peer.js'
export type { CertificateFacts, CertificateRole } from './tls/certificate-facts.js'
export { registerCertificateMetrics } from './tls/certificate-metrics.js'
export { EXPIRY_WARNINGS_DAYS, ExpiryWatch, type ExpiryWatchOptions } from './tls/expiry-watch.js'
export { type ExpiryLog, reportExpiry } from './tls/report-expiry.js'
export { type TlsChange, TlsKeeper } from './tls/tls-keeper.js'
export {
  loadAuthorities,
  loadTlsMaterial,
  secureContextOptions,
  TLS_DEFAULTS,
  type TlsFiles,
  type TlsMaterial,
  tlsFileList,
} from './tls/tls-material.js'
export { TlsMaterialError, type TlsMaterialErrorCode } from './tls/tls-material-error.js'
export { TrafficCheckers, type TrafficPolicy } from './traffic-policy.js'
export {
  findTransferProblem,
  parseTransferAddress,
  type TransferAddress,
  transferAddressOf,
} from './transfer-address.js'
export { TrickleWatch } from './trickle-watch.js'
export {
  NETWORK_SETUPS,
  type NetworkSetup,
  openTunnelDevice,
  type TunnelDevice,
  type TunnelDeviceOptions,
} from './tunnel-device.js'
export {
  countDialFailures,
  countProtocolErrors,
  countRefusals,
  registerTunnelMetrics,
  type TunnelMetricsOptions,
} from './tunnel-metrics.js'
export { describeSession } from './tunnel-status.js'
export { MAX_WEB_SOCKET_MESSAGE_BYTES, WebSocketStream } from './web-socket-stream.js'
