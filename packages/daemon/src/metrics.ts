import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

export type { Registry } from 'prom-client'

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
  collectDefaultMetrics({ register: registry, prefix })
  new Gauge({
    name: `${prefix}build_info`,
    help: 'Always 1; the labels tell the versions of the program and of Node.js.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.version }, 1)
  return registry
}
