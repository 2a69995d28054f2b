/** Why a target is not dialled, or was dialled in vain. A closed set: labels of metrics, and reasons for whoever asked. */
const TARGET_REFUSALS = [
  // It lies outside the networks that may be reached.
  'prohibited',
  'refused',
  // There is no way there: of the routes, of the firewall, or of the family.
  'unreachable',
  'dial-timeout',
  'dial-failed',
  // Too many connections to it leave from here already.
  'out-of-ports',
  'no-address',
  'lookup-timeout',
  'too-many-lookups',
] as const

export type TargetRefusalReason = (typeof TARGET_REFUSALS)[number]

/** A target that nobody is joined to. `detail` is for people: one short line. */
export class TargetRefusal extends Error {
  override readonly name = 'TargetRefusal'
  readonly code = 'ERR_TARGET_REFUSED'
  readonly reason: TargetRefusalReason
  readonly detail: string

  constructor(reason: TargetRefusalReason, detail: string, options?: ErrorOptions) {
    super(`${reason}: ${detail}`, options)
    this.reason = reason
    this.detail = detail
  }
}
