import { FOREIGN_HOOKS, type ForeignDrop, findForeignDrops } from '@reversed-vpn/host-network'
import { Gauge, type Registry } from 'prom-client'

interface ForeignDropWatchOptions {
  readonly registry: Registry
  readonly prefix: string
  readonly log: { warn(fields: object, message: string): void }
  /** @default `findForeignDrops` */
  readonly find?: () => Promise<readonly ForeignDrop[]>
  /** @default every 60 s */
  readonly intervalMs?: number
}

const INTERVAL_MS = 60_000

/** Shows which firewalls of others may drop what the tunnel carries, and logs them when they come. */
export function watchForeignDrops(options: ForeignDropWatchOptions): { close(): void } {
  const { registry, prefix, log, find = findForeignDrops, intervalMs = INTERVAL_MS } = options
  let found: readonly ForeignDrop[] = []
  new Gauge({
    name: `${prefix}network_foreign_drop_chains`,
    help: 'Chains of other firewalls on this machine that drop what none of their rules accepts.',
    labelNames: ['hook'],
    registers: [registry],
    collect() {
      for (const hook of FOREIGN_HOOKS) this.set({ hook }, found.filter((drop) => drop.hook === hook).length)
    },
  })
  const look = async () => {
    const before = new Set(found.map(({ name }) => name))
    found = await find()
    const chains = found.map(({ name }) => name)
    if (chains.some((name) => !before.has(name))) log.warn({ chains }, 'another firewall drops by default')
  }
  const lookAndBear = () => void look().catch((err) => log.warn({ err }, 'other firewalls could not be read'))
  lookAndBear()
  const timer = setInterval(lookAndBear, intervalMs).unref()
  return { close: () => clearInterval(timer) }
}
