import type { RefusedReason, ResetReason } from '@reversed-vpn/protocol'

/** A stream was not opened, or ended before its end. Callers match `code` and `reason`, never the message. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code: 'ERR_STREAM_REFUSED' | 'ERR_STREAM_RESET'
  readonly reason: RefusedReason | ResetReason
  /** Whether the peer said so. */
  readonly isOfPeer: boolean

  private constructor(
    code: StreamError['code'],
    reason: StreamError['reason'],
    isOfPeer: boolean,
    message: string,
  ) {
    super(message)
    this.code = code
    this.reason = reason
    this.isOfPeer = isOfPeer
  }

  static refused(reason: RefusedReason, detail: string, isOfPeer: boolean): StreamError {
    return new StreamError('ERR_STREAM_REFUSED', reason, isOfPeer, detail === '' ? reason : detail)
  }

  static reset(reason: ResetReason, isOfPeer: boolean): StreamError {
    const who = isOfPeer ? 'the peer' : 'this side'
    return new StreamError('ERR_STREAM_RESET', reason, isOfPeer, `${who} reset the stream: ${reason}`)
  }
}
