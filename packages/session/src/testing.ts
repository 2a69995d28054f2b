export { Backoff } from './dial/backoff.js'
export type { FrameStreamHandler } from './frame-stream.js'
export { FlowRates } from './lane/flow-rates.js'
export { FlowSteering } from './lane/flow-steering.js'
export { FlowTable } from './lane/flow-table.js'
export type { LaneHandler } from './lane/lane-handler.js'
export type { LaneOptions } from './lane/lane-options.js'
export { type SendingPath, StartupWatch } from './lane/startup-watch.js'
export {
  BULK_FLOW_BYTES,
  BULK_FLOW_BYTES_PER_MS,
  BULK_LANE_MS,
  READ_TURN_BYTES,
  UNFINISHED_LIMITS,
} from './limits.js'
export type { ConnectionRefusal } from './listen/tunnel-listener.js'
export { SessionLanes } from './session-lanes.js'
export type { SessionOptions } from './session-options.js'
export { checkLegal } from './state.js'
export { Timers } from './timers.js'
export { TrickleWatch } from './trickle-watch.js'
