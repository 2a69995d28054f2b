import t from 'tap'
import { judgeChanges } from '../compare-commits/judge-change.js'
import { describeChanges } from '../compare-commits/run-compare.js'
import type { Results } from '../compare-peers/results.js'
import { sampleResults } from './sample-results.js'

/** A run of two commits with these figures, repetition by repetition. */
function compared(base: readonly number[], head: readonly number[], isHigherBetter = true): Results {
  const results = sampleResults(base, head)
  const nameOf = (name: string) => (name === 'openvpn' ? 'base' : 'head')
  return {
    ...results,
    peers: results.peers.map((peer) => ({ ...peer, name: nameOf(peer.name), title: nameOf(peer.name) })),
    scenarios: results.scenarios.map((scenario) => ({
      ...scenario,
      metrics: scenario.metrics.map((metric) => ({ ...metric, isHigherBetter })),
    })),
    samples: results.samples.map((sample) => ({ ...sample, peer: nameOf(sample.peer) })),
  }
}

t.test('a figure that is worse in every repetition, and by much in the middle, is worse', async (t) => {
  t.match(judgeChanges(compared([4, 4, 4], [3, 3.2, 3.9])), [{ isWorse: true, ratio: { median: 0.8 } }])
})

t.test('what one repetition saw as good as before is spread', async (t) => {
  t.match(judgeChanges(compared([4, 4, 4], [3, 3.2, 4])), [{ isWorse: false }])
})

t.test('a little less is tolerated', async (t) => {
  t.match(judgeChanges(compared([4, 4, 4], [3.7, 3.7, 3.7])), [{ isWorse: false }])
})

t.test('where less is better, more is worse', async (t) => {
  t.match(judgeChanges(compared([4, 4], [5, 5], false)), [{ isWorse: true, ratio: { median: 0.8 } }])
  t.match(judgeChanges(compared([4, 4], [3, 3], false)), [{ isWorse: false }])
})

t.test('processor time of both daemons is compared too', async (t) => {
  const results = compared([4, 4], [4, 4])
  const samples = results.samples.map((sample) => ({
    ...sample,
    cpuSecondsPerGigabyte: sample.peer === 'base' ? { seed: 1, shoot: 1 } : { seed: 2, shoot: 2 },
  }))
  t.match(judgeChanges({ ...results, samples }), [
    { isWorse: false },
    { title: /CPU of both daemons/, isWorse: true, ratio: { median: 0.5 } },
  ])
})

t.test('a figure that failed on one side is not compared', async (t) => {
  const results = compared([4], [4])
  const samples = results.samples.map((sample) => ({ ...sample, values: {}, error: 'hung' }))
  t.same(judgeChanges({ ...results, samples }), [])
})

t.test('the table tells both sides, the ratio and what is worse', async (t) => {
  const text = describeChanges(compared([4, 4], [2, 2]))
  t.match(
    text,
    '| 1 TCP stream, caller → pod: received, Gbit/s | 4.00 (4.00–4.00) | 2.00 (2.00–2.00) | 0.50 (0.50–0.50) | **worse** |',
  )
  t.match(text, '1 of 1.')
})
