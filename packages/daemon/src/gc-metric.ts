import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks'
import { Histogram, type Registry } from 'prom-client'

/** An entry of type `gc` has a detail that the types of Node do not know. */
type GcEntry = PerformanceEntry & { readonly detail: NodeGCPerformanceDetail }

const KINDS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

/** From half a millisecond, because packets wait during a pause, and a pause of a millisecond shows in a round trip. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5]

/**
 * Registers `nodejs_gc_duration_seconds` by kind: how long the process stood still for garbage collection. Replaces prom-client's
 * metric of the same name, which counts only the first of several pauses that Node reports together.
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
  // Or the first pause of a kind would not count as an increase.
  for (const kind of KINDS.values()) pauses.zero({ kind })
  const observer = new PerformanceObserver((list) => {
    for (const { detail, duration } of list.getEntries() as GcEntry[])
      pauses.observe({ kind: KINDS.get(detail.kind) ?? 'other' }, duration / 1000)
  })
  observer.observe({ entryTypes: ['gc'] })
}
