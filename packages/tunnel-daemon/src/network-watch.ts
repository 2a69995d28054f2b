import { type Logger, rateLimited } from '@reversed-vpn/daemon'
import {
  guardNetwork,
  NETWORK_OBJECTS,
  type NetworkDifference,
  type TunnelInterface,
  type UpdatableNetwork,
} from '@reversed-vpn/host-network'
import { Counter, Gauge, type Registry } from 'prom-client'

interface NetworkWatchOptions {
  readonly registry: Registry
  readonly prefix: string
  readonly log: Logger
  readonly tun: TunnelInterface
}

/** What this daemon's addresses, routes and firewall are seen to be while it runs. */
export interface NetworkWatch {
  /** Guards them until they are closed. */
  guard<Plan>(network: UpdatableNetwork<Plan>): UpdatableNetwork<Plan>
  /** Why the daemon is not ready, in words; empty while all stands. */
  reasons(): string[]
}

/** Who takes away the same thing all the time is named once in this time. */
const LOG_INTERVAL_MS = 10_000

/** Logs and counts what is put back, and says what is not. */
export function createNetworkWatch({ registry, prefix, log, tun }: NetworkWatchOptions): NetworkWatch {
  let missing: readonly NetworkDifference[] = []
  const repairs = new Counter({
    name: `${prefix}network_repairs_total`,
    help: 'Parts of the network of this daemon that somebody took away and that were put back.',
    labelNames: ['object'],
    registers: [registry],
  })
  for (const object of NETWORK_OBJECTS) repairs.inc({ object }, 0)
  new Gauge({
    name: `${prefix}network_differences`,
    help: 'Parts of the network of this daemon that are not as they should be; while there are any, nothing is carried.',
    registers: [registry],
    collect() {
      this.set(missing.length)
    },
  })
  const logRarely = rateLimited(log, LOG_INTERVAL_MS)
  const onStanding = (now: readonly NetworkDifference[]) => {
    missing = now
    if (now.length === 0) log.info({ tun: tun.name }, 'network is as it should be again')
    else
      logRarely(
        'error',
        'missing',
        { tun: tun.name, missing: wordsOf(now) },
        'network is not as it should be',
      )
  }
  return {
    guard: (network) =>
      guardNetwork(network, {
        setCarrying: (isCarrying) => tun.queues.setOpen(isCarrying),
        onRepaired: (repaired) => {
          for (const { object } of repaired) repairs.inc({ object })
          logRarely(
            'warn',
            'repaired',
            { tun: tun.name, missing: wordsOf(repaired) },
            'network was changed by somebody else, and put back',
          )
        },
        onStanding,
        onError: (err) => logRarely('error', 'failed', { err }, 'network could not be compared or put back'),
      }),
    reasons: () => (missing.length === 0 ? [] : [`interface ${tun.name}: ${wordsOf(missing).join('; ')}`]),
  }
}

function wordsOf(differences: readonly NetworkDifference[]): string[] {
  return differences.map(({ words }) => words)
}
