import { spreadOfFigure } from './look-up.js'
import type { Results } from './results.js'

interface Ahead {
  /** Of the figure. */
  readonly title: string
  /** The best first. */
  readonly peers: readonly { readonly name: string; readonly factor: number }[]
}

const OURS = 'ours'
/** What no tunnel can reach, and other ways to run our own programs. */
const NOT_COMPARED = /^(direct|ours.*)$/

/**
 * The figures in which another peer has a better median than ours, and by which factor. What is not measured of both, or is no better
 * when larger or smaller, is not compared.
 * @returns how many figures were compared, too
 */
export function peersAhead(results: Results): {
  readonly compared: number
  readonly ahead: readonly Ahead[]
} {
  const compared = results.scenarios.flatMap(({ name: scenario, title, metrics }) =>
    metrics.flatMap(({ key: metric, title: what, unit, isHigherBetter }) => {
      const own = spreadOfFigure(results, { scenario, metric, peer: OURS })?.median
      if (own === undefined) return []
      const factors = results.peers
        .filter(({ name }) => !NOT_COMPARED.test(name))
        .flatMap(({ name }) => {
          const other = spreadOfFigure(results, { scenario, metric, peer: name })?.median
          if (other === undefined) return []
          return [{ name, factor: isHigherBetter ? other / own : own / other }]
        })
      return factors.length === 0 ? [] : [{ title: `${title}: ${what}, ${unit}`, factors }]
    }),
  )
  const ahead = compared
    .map(({ title, factors }) => ({ title, peers: factors.filter(({ factor }) => factor > 1) }))
    .filter(({ peers }) => peers.length > 0)
    .map(({ title, peers }) => ({ title, peers: peers.toSorted((a, b) => b.factor - a.factor) }))
  return { compared: compared.length, ahead }
}
