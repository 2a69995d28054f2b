export { type NetlinkSocket, openNetlinkSocket } from './socket/netlink-socket.js'
export { openTcpSocket } from './socket/open-tcp-socket.js'
export {
  getTcpCongestion,
  getUnreadBytes,
  setMaxPacingRate,
  setTcpCongestion,
  setTcpKeepAliveIntervalS,
  setTcpMaxSegment,
  setTcpNotsentLowatBytes,
  setTcpUserTimeoutMs,
  socketDescriptor,
} from './socket/socket-option.js'
export { getBbrPacingGain, getTcpInfo, type TcpInfo } from './socket/tcp-info.js'
