import type { Results } from '../compare-peers/results.js'
import { type ComparisonOptions, runComparison } from '../compare-peers/run-comparison.js'
import type { Spread } from '../measure/statistics.js'
import { openOurs } from '../peers/ours.js'
import type { Peer } from '../peers/peer.js'
import { figure, table } from '../report/table.js'
import type { Checkout } from './check-out.js'
import { BASE, HEAD, judgeChanges, TOLERATED } from './judge-change.js'

/** Measures two commits in one run. The daemons of both are up, and each measurement is made of one after the other. */
export function runCompare(
  base: Checkout,
  head: Checkout,
  options: Omit<ComparisonOptions, 'peers'>,
): Promise<Results> {
  const peers = [peerOf(BASE, base), peerOf(HEAD, head)]
  return runComparison({ ...options, peers })
}

/** The table to print. @param hasCpu as of `judgeChanges` */
export function describeChanges(results: Results, hasCpu: boolean): string {
  const changes = judgeChanges(results, hasCpu)
  const titles = results.peers.map(({ title }) => title)
  const { repetitions, seconds } = results.settings
  const rows = changes.map(({ title, base, head, ratio, isWorse }) => [
    title,
    ...[base, head].map((spread) => show(spread, figure)),
    show(ratio, (value) => value.toFixed(3)),
    isWorse ? '**worse**' : '',
  ])
  const worse = changes.filter(({ isWorse }) => isWorse).length
  return `Median (min–max) of ${repetitions} × ${seconds} s. A ratio above 1 is an improvement. A row is worse if the median ratio is below ${TOLERATED} and the ratio is below 1 in every repetition: ${worse} of ${changes.length}.

${table(['', ...titles, 'ratio', ''], rows)}
`
}

function peerOf(name: string, { dir, title }: Checkout): Peer {
  return {
    name,
    title,
    checkout: dir,
    supports: ['tcp', 'packets', 'egress', 'egress-routed'],
    open: (lab, pki) => openOurs(lab, pki, dir),
  }
}

function show({ median, min, max }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(min)}–${format(max)})`
}
