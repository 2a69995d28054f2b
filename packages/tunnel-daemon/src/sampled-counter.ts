import { Counter, type Registry } from 'prom-client'

/** A counter whose values are kept elsewhere and read at each scrape. */
export function sampledCounter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  sample: (set: (labels: Record<string, string>, value: number) => void) => void,
): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      sample((labels, value) => this.inc(labels, value))
    },
  })
}
