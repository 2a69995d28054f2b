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
export { FrameDecoder, type FrameHandler } from './frame-decoder.js'
export { writeFrameHeader } from './frame-encoder.js'
export { assertLegalFrame, isLegalFrame, type LanePhase } from './frame-phase.js'
export { type FrameView, MAX_FRAME_PIECES } from './frame-view.js'
