import t from 'tap'
import { comparisonPart } from '../compare-peers/comparison-part.js'
import { peersAhead } from '../compare-peers/peers-ahead.js'
import type { Results } from '../compare-peers/results.js'
import { sampleResults } from './sample-results.js'

function withLess(results: Results): Results {
  const scenarios = results.scenarios.map((scenario) => ({
    ...scenario,
    metrics: scenario.metrics.map((metric) => ({ ...metric, isHigherBetter: false })),
  }))
  return { ...results, scenarios }
}

t.test('a peer with a better median is ahead, by the factor between the medians', async (t) => {
  const results = sampleResults([6, 9, 8], [4, 4, 5])
  t.same(peersAhead(results), {
    compared: 1,
    ahead: [
      {
        title: '1 TCP stream, caller → pod: received, Gbit/s',
        peers: [{ name: 'openvpn', factor: 2 }],
      },
    ],
  })
  t.match(comparisonPart(results).text, /In 1 of 1 figures.*\| 1 TCP stream, .* \| openvpn 2\.00 \|/s)
})

t.test('where less is better the one with less is ahead', async (t) => {
  t.match(peersAhead(withLess(sampleResults([2], [5]))), {
    ahead: [{ peers: [{ name: 'openvpn', factor: 2.5 }] }],
  })
  t.match(peersAhead(withLess(sampleResults([5], [2]))), { compared: 1, ahead: [] })
})

t.test('what was not measured of both is not compared', async (t) => {
  const results = sampleResults([5], [2])
  const samples = results.samples.filter(({ peer }) => peer !== 'ours')
  t.match(peersAhead({ ...results, samples }), { compared: 0, ahead: [] })
})
