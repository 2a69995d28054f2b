import type { Part } from '../report/part.js'
import { figure, table } from '../report/table.js'
import type { StormResults, StormRound } from './run-storm.js'

const MEGABYTE = 1e6

/** The targets. */
const STORM_LIMITS = { allUpAfterSeconds: 20, lost: 0, gatewayPeakRssBytes: 300 * MEGABYTE } as const

export function isWithinLimits(round: StormRound): boolean {
  return (
    round.allUpAfterSeconds <= STORM_LIMITS.allUpAfterSeconds &&
    round.lost <= STORM_LIMITS.lost &&
    round.gatewayPeakRssBytes <= STORM_LIMITS.gatewayPeakRssBytes
  )
}

/** The section about the loss of the gateway of all tunnels. */
export function stormPart({ environment, tunnels, seedServers, rounds }: StormResults): Part {
  const head = [
    '',
    'all up after, s',
    'lost',
    'gateway RSS maximum, MB',
    'gateway CPU, s',
    'attempts',
    'downtime of a tunnel p50, s',
    'p99, s',
    'maximum, s',
    '',
  ]
  const rows = rounds.map((round, index) => [
    `round ${index + 1}`,
    round.allUpAfterSeconds.toFixed(2),
    String(round.lost),
    (round.gatewayPeakRssBytes / MEGABYTE).toFixed(1),
    round.gatewayCpuSeconds.toFixed(2),
    String(round.attempts),
    ...[round.p50Ms, round.p99Ms, round.maxMs].map((ms) => figure(ms / 1000)),
    isWithinLimits(round) ? 'met' : '**not met**',
  ])
  const text = `## Reconnect storm

- commit ${environment.commit}${environment.isDirty ? ', with uncommitted changes' : ''}; ${environment.startedAt}
- Node.js ${environment.node}, Linux ${environment.kernel}, ${environment.processors} × ${environment.cpu}
- ${tunnels} tunnels (TCP, CONNECT, mutual TLS, HELLO and WELCOME; no TUN) to ${seedServers} tunnel ports go through one sni-gateway. It is killed and started again. All three programs share the machine.
- Target: all up within ${STORM_LIMITS.allUpAfterSeconds} s of the kill, none lost, gateway RSS at most ${STORM_LIMITS.gatewayPeakRssBytes / MEGABYTE} MB.

${table(head, rows)}`
  return { text, pictures: [] }
}
