import type { Registry } from '@reversed-vpn/daemon'
import { Counter, Gauge } from 'prom-client'
import { PROBE_FAILURES } from './judge-answer.js'
import type { ProbeTarget } from './probe-targets.js'
import type { Prober } from './prober.js'
import type { ProbeResult, TargetState } from './target-state.js'

/** What is counted of the probes. */
interface ProbeMetrics {
  onResult(target: ProbeTarget, result: ProbeResult): void
  /** Called once. @param isUp whether a session is up */
  observe(prober: Prober, isUp: () => boolean): void
}

/** Registers all of them; failures start at zero. */
export function createProbeMetrics(registry: Registry, targets: readonly ProbeTarget[]): ProbeMetrics {
  const failures = new Counter({
    name: 'seed_server_probe_failures_total',
    help: 'Probes that got no answer while a session was up.',
    labelNames: ['target', 'reason'],
    registers: [registry],
  })
  for (const { name: target } of targets) {
    for (const reason of PROBE_FAILURES) failures.inc({ target, reason }, 0)
  }
  return {
    onResult: ({ name: target }, { failure: reason }) => {
      if (reason !== undefined) failures.inc({ target, reason })
    },
    observe: (prober, isUp) => {
      const gauge = (name: string, help: string, read: (state: TargetState) => number | undefined) =>
        new Gauge({
          name: `seed_server_${name}`,
          help,
          labelNames: ['target'],
          registers: [registry],
          collect() {
            this.reset()
            for (const [{ name: target }, state] of isUp() ? prober.states : []) {
              const value = read(state)
              if (value !== undefined) this.set({ target }, value)
            }
          },
        })
      gauge('probe_success', '1 when the last probe was answered.', ({ last }) =>
        last === undefined ? undefined : Number(last.failure === undefined),
      )
      gauge('probe_seconds', 'How long the answer to the last probe took.', ({ last }) =>
        last?.failure === undefined && last !== undefined ? last.tookMs / 1000 : undefined,
      )
    },
  }
}
