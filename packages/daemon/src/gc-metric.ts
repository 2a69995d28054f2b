import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks'
import { Histogram, type Registry } from 'prom-client'

/** What Node gives for this type, and its types do not know. */
type GcEntry = PerformanceEntry & { readonly detail: NodeGCPerformanceDetail }

const KINDS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

/** Packets wait while garbage is collected: what a pause of a millisecond or two adds to a round trip can be told apart. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5]

const NAME = 'nodejs_gc_duration_seconds'

/**
 * `nodejs_gc_duration_seconds`, by kind: how long a thread stood still for garbage collection. Takes the place of prom-client's
 * metric of that name, which counts only the first of the pauses that it is told of together. Of the main thread by itself, of others
 * by {@link countGcPause}.
 */
export function registerGcMetric(registry: Registry, prefix: string): void {
  const name = prefix + NAME
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
    for (const { detail, duration } of list.getEntries() as GcEntry[]) observe(pauses, detail.kind, duration)
  })
  observer.observe({ entryTypes: ['gc'] })
}

/**
 * Counts a pause of another thread.
 * @param kind a `constants.NODE_PERFORMANCE_GC_*` of `node:perf_hooks`
 */
export function countGcPause(
  registry: Registry,
  prefix: string,
  { kind, durationMs }: { readonly kind: number; readonly durationMs: number },
): void {
  observe(registry.getSingleMetric(prefix + NAME) as Histogram, kind, durationMs)
}

function observe(pauses: Histogram, kind: number, durationMs: number): void {
  pauses.observe({ kind: KINDS.get(kind) ?? 'other' }, durationMs / 1000)
}
