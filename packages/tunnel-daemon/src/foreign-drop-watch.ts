import {
  FOREIGN_HOOKS,
  type ForeignDrop,
  findForeignDrops,
  watchRulesetEvents,
} from '@reversed-vpn/host-network'
import { Gauge, type Registry } from 'prom-client'

interface ForeignDropWatchOptions {
  readonly registry: Registry
  readonly prefix: string
  readonly log: Record<'info' | 'warn', (fields: object, message: string) => void>
  /** The interface that packets are dropped of. */
  readonly tun: string
  /** @default `findForeignDrops` */
  readonly find?: (tun: string) => Promise<readonly ForeignDrop[]>
  /** @default `watchRulesetEvents` */
  readonly watchEvents?: typeof watchRulesetEvents
  /** @default every 30 s */
  readonly intervalMs?: number
  /** From a change to the look at it, since changes come in groups. @default 1 s */
  readonly settleMs?: number
}

const INTERVAL_MS = 30_000
const SETTLE_MS = 1000

/** Where others change rules all the time, looks take no more than this part of the time. */
const MAX_PART = 1 / 20

/** Shows which firewalls of others drop what the tunnel carries, and logs them when they come and when the last is gone. */
export function watchForeignDrops(options: ForeignDropWatchOptions): { close(): void } {
  const { tun, log, find = findForeignDrops, watchEvents = watchRulesetEvents } = options
  const { intervalMs = INTERVAL_MS, settleMs = SETTLE_MS } = options
  let found: readonly ForeignDrop[] = []
  showFound(options, () => found)
  const look = async () => {
    const before = new Set(found.map(nameOf))
    found = await find(tun)
    const chains = found.map(nameOf)
    if (chains.some((name) => !before.has(name))) log.warn({ chains }, 'another firewall drops by default')
    else if (chains.length === 0 && before.size > 0)
      log.info({ tun }, 'no other firewall drops by default any more')
  }
  let timer: NodeJS.Timeout | undefined
  let isChanged = false
  let isLooking = false
  let isClosed = false
  let notBeforeMs = 0
  const schedule = () => {
    if (isLooking || isClosed) return
    clearTimeout(timer)
    const afterMs = isChanged ? settleMs : intervalMs
    timer = setTimeout(start, Math.max(afterMs, notBeforeMs - performance.now()))
  }
  const start = async () => {
    const startedAtMs = performance.now()
    isChanged = false
    isLooking = true
    await look().catch((err) => log.warn({ err }, 'other firewalls could not be read'))
    isLooking = false
    notBeforeMs = performance.now() + (performance.now() - startedAtMs) / MAX_PART
    schedule()
  }
  const events = watchEvents(() => {
    if (isChanged) return
    isChanged = true
    schedule()
  })
  void start()
  return {
    close: () => {
      isClosed = true
      clearTimeout(timer)
      events.close()
    },
  }
}

function showFound({ registry, prefix }: ForeignDropWatchOptions, found: () => readonly ForeignDrop[]): void {
  new Gauge({
    name: `${prefix}network_foreign_drop_chains`,
    help: 'Chains of other firewalls on this machine that drop what none of their rules accepts.',
    labelNames: ['hook'],
    registers: [registry],
    collect() {
      for (const hook of FOREIGN_HOOKS)
        this.set({ hook }, found().filter((drop) => drop.hook === hook).length)
    },
  })
}

/** With where it stands: `inet filter forward (hook forward)`. */
function nameOf({ name, hook }: ForeignDrop): string {
  return `${name} (hook ${hook})`
}
