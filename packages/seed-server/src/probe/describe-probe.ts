import type { Prober } from './prober.js'
import type { TargetState } from './target-state.js'

/** `probe` of `/status`; null where there is none. @param isUp whether a session is up */
export function describeProbe(prober: Prober | undefined, isUp: boolean): object | null {
  if (prober === undefined) return null
  return {
    targets: [...prober.states].map(([{ name }, state]) => ({
      target: name,
      state: isUp ? stateOf(state) : 'no session',
      failures: state.failures,
      since: state.last === undefined ? null : atWallClock(state.sinceMs),
      last: state.last === undefined ? null : describeLast(state.last),
    })),
  }
}

function stateOf({ last }: TargetState): 'answered' | 'no answer' | 'not probed' {
  if (last === undefined) return 'not probed'
  return last.failure === undefined ? 'answered' : 'no answer'
}

function describeLast({
  address,
  failure,
  code,
  startedAtMs,
  tookMs,
}: NonNullable<TargetState['last']>): object {
  const reason = failure ?? null
  return { at: atWallClock(startedAtMs), address, tookMs: Math.round(tookMs * 10) / 10, reason, code }
}

function atWallClock(monotonicMs: number): string {
  return new Date(Date.now() - performance.now() + monotonicMs).toISOString()
}
