export { Backoff } from './dial/backoff.js'
export type { FrameStreamHandler } from './frame-stream.js'
export { FlowSteering } from './lane/flow-steering.js'
export { FlowTable } from './lane/flow-table.js'
export { addLaneCounters, createLaneCounters, recordsOf } from './lane/lane-counters.js'
export type { LaneHandler } from './lane/lane-handler.js'
export type { LaneOptions } from './lane/lane-options.js'
export { PacketFramer } from './lane/packet-framer.js'
export { mostRecords, rotationDue } from './lane/rotation.js'
export type { SendingPath } from './lane/sending-path.js'
export { StartupWatch } from './lane/startup-watch.js'
export {
  BULK_FLOW_BYTES,
  BULK_FLOW_BYTES_PER_MS,
  BULK_LANE_MS,
  READ_TURN_BYTES,
  UNFINISHED_LIMITS,
} from './limits.js'
export { ReadCoalescer } from './read-coalescer.js'
export { SessionLanes } from './session-lanes.js'
export { takeChunks } from './socket-push-patch.js'
export { checkLegal } from './state.js'
export { Timers } from './timers.js'
