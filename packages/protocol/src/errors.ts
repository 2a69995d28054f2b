/** Why a lane is ended with a CLOSE frame (SPEC.md, "Close"). */
export const CLOSE_CODES = [
  'protocol-error',
  'frame-too-large',
  'bad-control',
  'unexpected-frame',
  'dead-peer',
  'going-away',
  'replaced',
  'internal',
] as const
export type CloseCode = (typeof CLOSE_CODES)[number]

/** What can go wrong between two peers. */
type TunnelErrorCode =
  | 'ERR_FRAME_TOO_LARGE'
  | 'ERR_FRAME_TOO_SHORT'
  | 'ERR_FRAME_UNEXPECTED'
  | 'ERR_STREAM_FRAME_INVALID'
  | 'ERR_CONTROL_INVALID'
  | 'ERR_VERSION_UNSUPPORTED'
  | 'ERR_HANDSHAKE_TIMEOUT'
  | 'ERR_PEER_REJECTED'
  | 'ERR_PEER_CLOSED'
  | 'ERR_KEY_SPENT'
  | 'ERR_PEER_DEAD'
  | 'ERR_TOO_MANY_SESSIONS'

interface TunnelErrorOptions {
  /** The code for CLOSE, when the peer broke the protocol. */
  readonly closeCode?: CloseCode
  /** The error this one follows from. */
  readonly cause?: unknown
}

/** The peer, the connection or a message is at fault. Callers match `code`, never the message. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError'
  readonly code: TunnelErrorCode
  /** The code for CLOSE; absent when the peer did not break the protocol. */
  declare readonly closeCode?: CloseCode

  constructor(code: TunnelErrorCode, message: string, options: TunnelErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.closeCode !== undefined) this.closeCode = options.closeCode
  }
}
