import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { registerGcMetric } from './gc-metric.js'
import { RELOAD_OUTCOMES, type ReloadOutcome } from './reloader.js'

export type { Registry } from 'prom-client'

/** Interval of event loop lag samples. Each one wakes the process; the default of 10 ms costs half a percent of a core when idle. */
const EVENT_LOOP_SAMPLE_MS = 500

/** The prefix of a program's metrics: `seed-server` → `seed_server_`. */
function metricsPrefix(program: string): string {
  return `${program.replaceAll('-', '_')}_`
}

/**
 * A new registry with Node's metrics of the process (memory, CPU, handles, event loop lag, garbage collection) and
 * `<program>_build_info`, all with the program's prefix.
 */
export function createRegistry(program: string, version: string): Registry {
  const registry = new Registry()
  const prefix = metricsPrefix(program)
  const eventLoopMonitoringPrecision = EVENT_LOOP_SAMPLE_MS
  collectDefaultMetrics({ register: registry, prefix, eventLoopMonitoringPrecision })
  registerGcMetric(registry, prefix)
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
