import type { Results } from '../compare-peers/results.js'
import { type ComparisonOptions, runComparison } from '../compare-peers/run-comparison.js'
import type { Spread } from '../measure/statistics.js'
import { openOurs } from '../peers/ours.js'
import type { Peer } from '../peers/peer.js'
import { figure, table } from '../report/table.js'
import type { Checkout } from './check-out.js'
import { BASE, type Change, HEAD, judgeChanges, TOLERATED } from './judge-change.js'

/** Measures two states of the project in one run, their daemons up side by side and measured in turn. */
export function runCompare(
  base: Checkout,
  head: Checkout,
  options: Omit<ComparisonOptions, 'peers'>,
): Promise<Results> {
  const peers = [peerOf(BASE, base), peerOf(HEAD, head)]
  return runComparison({ ...options, peers })
}

/** What is printed. */
export function describeChanges(results: Results): string {
  const changes = judgeChanges(results)
  const titles = results.peers.map(({ title }) => title)
  const { repetitions, seconds } = results.settings
  const rows = changes.map(({ title, base, head, ratio, isWorse }) => [
    title,
    ...[base, head].map((spread) => show(spread, figure)),
    show(ratio, (value) => value.toFixed(2)),
    isWorse ? '**worse**' : '',
  ])
  const worse = changes.filter((change: Change) => change.isWorse).length
  return `Median (least–most) of ${repetitions} × ${seconds} s. A ratio above 1 is for the better. Worse is what is below ${TOLERATED} in the middle and below 1 in every repetition: ${worse} of ${changes.length}.

${table(['', ...titles, 'ratio', ''], rows)}
`
}

function peerOf(name: string, { dir, title }: Checkout): Peer {
  return { name, title, supports: ['tcp', 'packets', 'egress'], open: (lab, pki) => openOurs(lab, pki, dir) }
}

function show({ median, min, max }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(min)}–${format(max)})`
}
