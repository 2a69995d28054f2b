/** Why a probe counts as not answered. */
export const PROBE_FAILURES = ['local', 'not-sent', 'nothing-back', 'no-answer', 'unreachable'] as const
export type ProbeFailure = (typeof PROBE_FAILURES)[number]

/** Packets of the lanes, of all connections: of this process since it started. */
export interface PacketCounts {
  readonly toShoot: number
  readonly toSeed: number
}

/** What became of one probe. */
interface ProbeAnswer {
  /** `connected` or the code of the error, as `knock` says it. */
  readonly code: string
  /** What all connections sent and received meanwhile. */
  readonly packets: PacketCounts
  /** Whether a router's report that the target cannot be reached is what was asked for. */
  readonly wantsReport: boolean
}

/** The target itself, or whoever stands for it. */
const ANSWERS = ['connected', 'ECONNREFUSED']
/** A router on the way. */
const REPORTS = ['EHOSTUNREACH', 'ENETUNREACH']

/**
 * Why the path is not proved, or undefined when it is. An answer counts only if a packet came out of the tunnel meanwhile: rules
 * of this machine can refuse a connection, or take it, as well.
 */
export function judgeAnswer({ code, packets, wantsReport }: ProbeAnswer): ProbeFailure | undefined {
  const cameBack = packets.toSeed > 0
  if (ANSWERS.includes(code)) return cameBack ? undefined : 'local'
  if (REPORTS.includes(code)) {
    if (!cameBack) return 'local'
    return wantsReport ? undefined : 'unreachable'
  }
  if (code !== 'ETIMEDOUT') return 'local'
  if (packets.toShoot === 0) return 'not-sent'
  return cameBack ? 'no-answer' : 'nothing-back'
}
