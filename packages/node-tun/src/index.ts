export { createFakeTun, type FakeTun, type FakeTunOptions } from './fake-tun.js'
export { adoptTunQueue, type OpenTunOptions, openTun } from './linux-tun.js'
export { NO_OFFLOAD, probeOffload } from './offload.js'
export {
  duplicateSocketDescriptor,
  getMaxPacingRate,
  getTcpCongestion,
  getTcpNotsentLowatBytes,
  getTcpUserTimeoutMs,
  getUnreadBytes,
  setMaxPacingRate,
  setTcpCongestion,
  setTcpNotsentLowatBytes,
  setTcpUserTimeoutMs,
  socketDescriptor,
} from './socket-option.js'
export { getBbrPacingGain, getTcpInfo, type TcpInfo } from './tcp-info.js'
export {
  MAX_TUN_FRAME_BYTES,
  TUN_HEADER_BYTES,
  type TunDevice,
  type TunOffload,
  type TunOwner,
  type TunQueue,
} from './tun-device.js'
export { TunAddonError, type TunAddonErrorCode, TunError } from './tun-error.js'
