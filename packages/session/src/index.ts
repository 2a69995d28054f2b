export { PREFERRED_CONGESTION } from './congestion.js'
export type { BackoffOptions } from './dial/backoff.js'
export { type DialledLane, dialLane } from './dial/dial-lane.js'
export { type DialTarget, directTransport, type HopSocketOptions, openTcp } from './dial/direct-transport.js'
export { LaneDialler } from './dial/lane-dialler.js'
export type { Transport } from './dial/transport.js'
export { FlowLedger } from './flow-ledger.js'
export { FlowOwners } from './flow-owners.js'
export { FrameStream } from './frame-stream.js'
export { RejectedError, receiveHello, rejectPeer, sendHello } from './handshake.js'
export { Lane } from './lane/lane.js'
export type { LaneCounters } from './lane/lane-counters.js'
export type { LaneEnd } from './lane/lane-handler.js'
export type { JoinStreams } from './lane/lane-options.js'
export { TrafficTotals } from './lane/traffic-totals.js'
export {
  CLOSE_GRACE_MS,
  MAX_RECORDS_OF_A_KEY,
  ROTATE_AFTER_RECORDS,
  TRUST_GRACE_DEAD_TIMES,
} from './limits.js'
export { type ConnectionRefusal, TunnelListener } from './listen/tunnel-listener.js'
export { WebSocketListener } from './listen/web-socket-listener.js'
export { createSessionKeys, Session } from './session.js'
export type { SessionOptions, SessionPeer } from './session-options.js'
export { tuneLaneSocket } from './socket-tuning.js'
export { MAX_WEB_SOCKET_MESSAGE_BYTES, WebSocketStream } from './web-socket-stream.js'
