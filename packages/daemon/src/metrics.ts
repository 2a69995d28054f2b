import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { registerEventLoopMetrics } from './event-loop-metrics.js'
import { registerGcMetric } from './gc-metric.js'
import { RELOAD_OUTCOMES, type ReloadOutcome } from './reloader.js'

export type { Registry } from 'prom-client'

const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The prefix of a program's metrics: `seed-server` → `seed_server_`. */
export function metricsPrefix(program: string): string {
  return `${program.replaceAll('-', '_')}_`
}

interface RegistryOptions {
  /** The program's name. */
  readonly name: string
  readonly version: string
  /** Lines of the log that were dropped so far, see `ProcessLog`. */
  readonly droppedLines: () => number
}

/**
 * A new registry with metrics of the process (memory, CPU, handles, event loop lag, garbage collection, lost log lines) and
 * `<program>_build_info`, all with the program's prefix.
 */
export function createRegistry({ name, version, droppedLines }: RegistryOptions): Registry {
  const registry = new Registry()
  const prefix = metricsPrefix(name)
  // Its own monitor of the event loop, replaced below, is not to wake the process.
  collectDefaultMetrics({ register: registry, prefix, eventLoopMonitoringPrecision: LONGEST_TIMER_MS })
  registerEventLoopMetrics(registry, prefix)
  registerGcMetric(registry, prefix)
  new Counter({
    name: `${prefix}log_lines_dropped_total`,
    help: 'Lines of the log that were dropped because stdout did not take them: nobody reads the pipe, or the disk is full.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(droppedLines())
    },
  })
  new Gauge({
    name: `${prefix}build_info`,
    help: 'Always 1; the labels have the versions of the program and of Node.js.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.version }, 1)
  return registry
}

/** Registers `<prefix>reloads_total`, zero for every outcome of every part. @returns counts one outcome */
export function countReloads(
  registry: Registry,
  prefix: string,
  parts: readonly string[],
): (part: string, outcome: ReloadOutcome) => void {
  const counter = new Counter({
    name: `${prefix}reloads_total`,
    help: 'Reloads of files by outcome; refused: the files could not be used, and the previous ones stay in effect.',
    labelNames: ['part', 'outcome'],
    registers: [registry],
  })
  for (const part of parts) for (const outcome of RELOAD_OUTCOMES) counter.inc({ part, outcome }, 0)
  return (part, outcome) => counter.inc({ part, outcome })
}
