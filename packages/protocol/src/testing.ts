export {
  GOAWAY_REASONS,
  MAX_CONTROL_PAYLOAD_BYTES,
  MAX_DATA_PAYLOAD_BYTES,
  MIN_DATA_PAYLOAD_BYTES,
} from './constants.js'
export type { CloseMessage, ControlName, GoawayMessage } from './control-message.js'
export { CLOSE_CODES } from './errors.js'
export { MAX_FRAME_PIECES } from './frame-view.js'
export { MIN_GSO_SIZE_BYTES } from './packet/offload.js'
export type { PacketPolicy } from './packet/packet-checker.js'
export type { DropReason } from './packet/verdict.js'
export { REFUSED_REASONS, RESET_REASONS } from './stream/stream-constants.js'
