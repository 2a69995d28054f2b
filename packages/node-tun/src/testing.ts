export { TunAddonError } from './native-addon.js'
export { NO_OFFLOAD } from './offload.js'
export {
  getMaxPacingRate,
  getTcpKeepAliveIntervalS,
  getTcpMaxSegment,
  getTcpNotsentLowatBytes,
  getTcpUserTimeoutMs,
} from './socket/socket-option.js'
export { createFakeTun, type FakeTun } from './testing/fake-tun.js'
export { MAX_TUN_FRAME_BYTES, TUN_HEADER_BYTES, type TunOffload } from './tun-device.js'
