export {
  getTcpCongestion,
  getUnreadBytes,
  setMaxPacingRate,
  setTcpCongestion,
  setTcpNotsentLowatBytes,
  setTcpUserTimeoutMs,
  socketDescriptor,
} from './socket/socket-option.js'
export { getBbrPacingGain, getTcpInfo, type TcpInfo } from './socket/tcp-info.js'
