export {
  ALPN_PROTOCOL,
  type CarriedKind,
  CONTROL_VERSION,
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  type GoawayReason,
  MAX_LANES,
  OFFLOAD_KINDS,
  type OffloadKind,
  REJECT_CODES,
  type RejectCode,
  VIRTIO_NET_HEADER_BYTES,
} from './constants.js'
export { decodeControl, encodeControl } from './control-codec.js'
export type { ControlMessage, HelloMessage, WelcomeMessage } from './control-message.js'
export { diallerIdIn, diallerName } from './dialler-name.js'
export { type CloseCode, TunnelError } from './errors.js'
export { FrameDecoder } from './frame-decoder.js'
export { writeFrameHeader } from './frame-encoder.js'
export type { FrameView } from './frame-view.js'
export { findNetworksProblem } from './networks-limit.js'
export { finishInSoftware } from './packet/finish-in-software.js'
export { endsTcpFlow, flowHash, isTcp, opensTcpFlow, tcpFlowOf } from './packet/flow.js'
export { flowKeyOf, laterFragmentsOf } from './packet/flow-key.js'
export { type AddressPolicy, PACKET_PREFIX_BYTES, PacketChecker } from './packet/packet-checker.js'
export { UdpCoalescer } from './packet/udp-coalescer.js'
export { DROP_REASONS, isOffloadReason, VERDICT } from './packet/verdict.js'
export {
  MAX_STREAM_DATA_BYTES,
  MAX_STREAM_ID,
  MAX_STREAM_WINDOW_BYTES,
  MAX_STREAMS,
  REFUSED_REASONS,
  RESET_REASONS,
  type RefusedReason,
  type ResetReason,
  STREAM_DATA_HEADER_BYTES,
} from './stream/stream-constants.js'
export {
  type OpenRequest,
  writeCredit,
  writeFin,
  writeOpen,
  writeOpened,
  writeReceived,
  writeRefused,
  writeReset,
  writeResume,
  writeStreamDataHeader,
} from './stream/stream-frame-encoder.js'
export { isStreamFrame } from './stream/stream-frame-length.js'
export { StreamFrameReader } from './stream/stream-frame-reader.js'
