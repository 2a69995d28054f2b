import { TargetRefusal, type TargetRefusalReason } from '@reversed-vpn/relay'

/** Why a stream is not opened, or is broken by this side. A closed set. */
export type OutboundRefusalReason =
  | TargetRefusalReason
  | 'too-many-connections'
  | 'out-of-descriptors'
  | 'shutting-down'
  | 'internal'

/** What the opener of a stream is told. `detail` is for people: one short line. */
export class OutboundRefusal extends Error {
  override readonly name = 'OutboundRefusal'
  readonly code = 'ERR_OUTBOUND_REFUSED'
  readonly reason: OutboundRefusalReason
  readonly detail: string

  constructor(reason: OutboundRefusalReason, detail: string, options?: ErrorOptions) {
    super(`${reason}: ${detail}`, options)
    this.reason = reason
    this.detail = detail
  }

  /** What that error of a dial comes to. */
  static of(error: unknown): OutboundRefusal {
    if (error instanceof OutboundRefusal) return error
    if (!(error instanceof TargetRefusal))
      return new OutboundRefusal('internal', 'see the log of the shoot-client', { cause: error })
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
    const isFull = code === 'EMFILE' || code === 'ENFILE'
    return new OutboundRefusal(isFull ? 'out-of-descriptors' : error.reason, error.detail, { cause: error })
  }
}
