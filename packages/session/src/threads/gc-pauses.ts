import { type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'

/** What Node gives for this type, and its types do not know. */
type GcEntry = PerformanceEntry & { readonly detail: NodeGCPerformanceDetail }

/** A pause of one thread for garbage collection. */
export interface GcPause {
  /** A `constants.NODE_PERFORMANCE_GC_*` of `node:perf_hooks`. */
  readonly kind: number
  readonly durationMs: number
}

/** Collects the pauses of the thread that makes it; each thread sees its own alone. */
export class GcPauses {
  #pauses: GcPause[] = []

  constructor() {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as GcEntry[])
        this.#pauses.push({ kind: entry.detail.kind, durationMs: entry.duration })
    })
    observer.observe({ entryTypes: ['gc'] })
  }

  /** Those since the last call, each once. */
  take(): readonly GcPause[] {
    const pauses = this.#pauses
    if (pauses.length > 0) this.#pauses = []
    return pauses
  }
}
