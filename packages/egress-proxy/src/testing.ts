export { parseConnectRequest } from './connect-request.js'
export { REQUEST_OUTCOMES } from './egress-metrics.js'
export type { EgressProxyOptions } from './egress-proxy.js'
export { EgressRefusal } from './egress-refusal.js'
export { readConnect } from './read-connect.js'
export {
  memoryForStreams,
  podMemoryBytes,
  roomForBulk,
  roomForStreams,
  roomForWaiting,
} from './room.js'
export { STREAM_ENDS } from './stream-end.js'
