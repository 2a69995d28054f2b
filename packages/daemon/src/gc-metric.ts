import { constants, PerformanceObserver } from 'node:perf_hooks'
import { Histogram, type Registry } from 'prom-client'

const KINDS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

/** Packets wait while garbage is collected: what a pause of a millisecond or two adds to a round trip can be told apart. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5]

/**
 * `nodejs_gc_duration_seconds`, by kind: how long the process stood still for garbage collection. Takes the place of prom-client's
 * metric of that name, which counts only the first of the pauses that it is told of together.
 */
export function registerGcMetric(registry: Registry, prefix: string): void {
  const name = `${prefix}nodejs_gc_duration_seconds`
  registry.removeSingleMetric(name)
  const pauses = new Histogram({
    name,
    help: 'Pauses for garbage collection by kind: major, minor, incremental, weakcb.',
    labelNames: ['kind'],
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  })
  // Or the first pause of a kind would be no increase.
  for (const kind of KINDS.values()) pauses.zero({ kind })
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      pauses.observe({ kind: KINDS.get(kindOf(entry)) ?? 'other' }, entry.duration / 1000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
}

/** Entries of this type have it, which the types of Node do not know. */
function kindOf(entry: object): unknown {
  return (entry as { readonly detail?: { readonly kind?: unknown } }).detail?.kind
}
