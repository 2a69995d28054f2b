export type { IncomingStream } from './incoming-stream.js'
export type { LaneLink, StreamLane } from './lane-link.js'
export { WindowBudget } from './receive-window.js'
export { StreamMultiplexer } from './stream-multiplexer.js'
