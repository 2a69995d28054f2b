export { type Cidr, makeCidr, parseAddressNormalized, parseCidr, parseNetworkCidr } from './cidr.js'
export { CidrSet } from './cidr-set.js'
export * from './constants.js'
export { decodeControl, encodeControl } from './control-codec.js'
export type {
  CloseMessage,
  ControlMessage,
  ControlName,
  GoawayMessage,
  HelloMessage,
  PingMessage,
  PongMessage,
  RejectMessage,
  WelcomeMessage,
} from './control-message.js'
export {
  CLOSE_CODES,
  type CloseCode,
  TUNNEL_ERROR_CODES,
  TunnelError,
  type TunnelErrorCode,
  type TunnelErrorOptions,
} from './errors.js'
export { flowHash } from './flow-hash.js'
export { FORBIDDEN_DESTINATIONS } from './forbidden-destinations.js'
export { FrameDecoder, type FrameHandler } from './frame-decoder.js'
export { writeFrameHeader } from './frame-encoder.js'
export { assertLegalFrame, isLegalFrame, type LanePhase } from './frame-phase.js'
export { type FrameView, MAX_FRAME_PIECES } from './frame-view.js'
export {
  type AddressPolicy,
  PACKET_PREFIX_BYTES,
  PacketChecker,
  type PacketPolicy,
} from './packet-checker.js'
export { finishInSoftware } from './packet-finisher.js'
export { MIN_GSO_SIZE_BYTES } from './packet-offload.js'
export { DROP_REASONS, type DropReason, isOffloadReason } from './packet-verdict.js'
export { UdpCoalescer } from './udp-coalescer.js'
