import { type Logger, rateLimited } from '@reversed-vpn/daemon'
import {
  type Diversion,
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
  /** For `/status`: what is missing, in words, and what others keep from the TUN. */
  status(): { readonly missing: readonly string[]; readonly diverted: readonly Diversion[] }
}

/** Who takes away the same thing all the time is named once in this time. */
const LOG_INTERVAL_MS = 10_000

/** Of networks that are diverted: `/status` has all of them. */
const MAX_LOGGED = 8

/** Logs and counts what is put back, and says what is not. */
export function createNetworkWatch({ registry, prefix, log, tun }: NetworkWatchOptions): NetworkWatch {
  let missing: readonly NetworkDifference[] = []
  let diverted: readonly Diversion[] = []
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
  new Gauge({
    name: `${prefix}network_diverted_networks`,
    help: 'Networks, or parts of networks, of which rules or routes of others keep packets from the tunnel.',
    registers: [registry],
    collect() {
      this.set(new Set(diverted.map(({ network }) => network)).size)
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
  const onDiverted = (now: readonly Diversion[]) => {
    diverted = now
    if (now.length === 0) log.info({ tun: tun.name }, 'nothing keeps packets from the tunnel any more')
    else
      log.warn(
        { tun: tun.name, diverted: now.slice(0, MAX_LOGGED), count: now.length },
        'routes of others keep packets from the tunnel',
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
        onDiverted,
        onError: (err) => logRarely('error', 'failed', { err }, 'network could not be compared or put back'),
      }),
    status: () => ({ missing: wordsOf(missing), diverted }),
    reasons: () => (missing.length === 0 ? [] : [`interface ${tun.name}: ${wordsOf(missing).join('; ')}`]),
  }
}

function wordsOf(differences: readonly NetworkDifference[]): string[] {
  return differences.map(({ words }) => words)
}
