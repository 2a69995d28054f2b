export {
  type FrameTypeName,
  GOAWAY_REASONS,
  MAX_CONTROL_PAYLOAD_BYTES,
  MAX_DATA_PAYLOAD_BYTES,
  MIN_DATA_PAYLOAD_BYTES,
} from './constants.js'
export type { CloseMessage, ControlName, GoawayMessage } from './control-message.js'
export { CLOSE_CODES } from './errors.js'
export { assertLegalFrame, isLegalFrame, type LanePhase } from './frame-phase.js'
export { MAX_FRAME_PIECES } from './frame-view.js'
export type { PacketPolicy } from './packet/packet-checker.js'
export { MIN_GSO_SIZE_BYTES } from './packet/packet-offload.js'
export type { DropReason } from './packet/packet-verdict.js'
