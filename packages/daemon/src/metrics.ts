import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { registerGcMetric } from './gc-metric.js'
import { RELOAD_OUTCOMES, type ReloadOutcome } from './reloader.js'

export type { Registry } from 'prom-client'

/** Between two looks at the event loop's lag. Each wakes the process, idle or not; the library's own 10 ms cost half a per cent of a core. */
const EVENT_LOOP_SAMPLE_MS = 500

/** The prefix of a program's metrics: `seed-server` → `seed_server_`. */
export function metricsPrefix(program: string): string {
  return `${program.replaceAll('-', '_')}_`
}

/**
 * A registry of its own with what Node tells about the process (memory, CPU, handles, event loop lag, garbage collection)
 * and `<program>_build_info`, all under the program's prefix.
 */
export function createRegistry(program: string, version: string): Registry {
  const registry = new Registry()
  const prefix = metricsPrefix(program)
  const eventLoopMonitoringPrecision = EVENT_LOOP_SAMPLE_MS
  collectDefaultMetrics({ register: registry, prefix, eventLoopMonitoringPrecision })
  registerGcMetric(registry, prefix)
  new Gauge({
    name: `${prefix}build_info`,
    help: 'Always 1; the labels tell the versions of the program and of Node.js.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.version }, 1)
  return registry
}

/** Registers `<prefix>reloads_total`, zero for every outcome of every part, and counts in it. */
export function countReloads(
  registry: Registry,
  prefix: string,
  parts: readonly string[],
): (part: string, outcome: ReloadOutcome) => void {
  const counter = new Counter({
    name: `${prefix}reloads_total`,
    help: 'Times that files were read again; refused: they could not be used, and what was there before stays in force.',
    labelNames: ['part', 'outcome'],
    registers: [registry],
  })
  for (const part of parts) for (const outcome of RELOAD_OUTCOMES) counter.inc({ part, outcome }, 0)
  return (part, outcome) => counter.inc({ part, outcome })
}
