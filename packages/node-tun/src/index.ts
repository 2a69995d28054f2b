export { createFakeTun, type FakeTun, type FakeTunOptions } from './fake-tun.js'
export { type OpenTunOptions, openTun } from './linux-tun.js'
export { NO_OFFLOAD, probeOffload } from './offload.js'
export {
  getTcpCongestion,
  getTcpNotsentLowatBytes,
  getTcpUserTimeoutMs,
  setTcpCongestion,
  setTcpNotsentLowatBytes,
  setTcpUserTimeoutMs,
  socketDescriptor,
} from './socket-option.js'
export {
  MAX_TUN_FRAME_BYTES,
  TUN_HEADER_BYTES,
  type TunDevice,
  type TunOffload,
  type TunQueue,
} from './tun-device.js'
export { TunAddonError, type TunAddonErrorCode, TunError } from './tun-error.js'
