import t from 'tap'
import { findGaps } from '../compare-peers/find-gaps.js'
import { sampleResults } from './sample-results.js'

t.test('a whole run has no gaps', async (t) => {
  t.same(findGaps(sampleResults([1, 1], [10, 10])), [])
})

t.test('a figure that is zero is a gap', async (t) => {
  t.same(findGaps(sampleResults([1, 0], [10, 10])), ['tcp-1-to-shoot openvpn #2: gigabitsPerSecond is 0'])
})

t.test('a measurement that is missing is a gap', async (t) => {
  const results = sampleResults([1, 1], [10, 10])
  const gaps = findGaps({ ...results, samples: results.samples.slice(1) })
  t.same(gaps, ['tcp-1-to-shoot openvpn: 1 of 2 samples'])
})

t.test('a measurement that the peer does not support is no gap', async (t) => {
  const results = sampleResults([1, 1], [10, 10])
  const samples = results.samples.filter(({ peer }) => peer !== 'openvpn')
  const skipped = [{ scenario: 'tcp-1-to-shoot', peer: 'openvpn', reason: 'it cannot' }]
  t.same(findGaps({ ...results, samples, skipped }), [])
})

t.test('a measurement that failed is a gap, with its reason', async (t) => {
  const results = sampleResults([1], [10])
  const samples = results.samples.map((sample) => ({ ...sample, error: 'iperf3 hung' }))
  t.match(findGaps({ ...results, samples }), ['tcp-1-to-shoot openvpn #1: iperf3 hung'])
})

t.test('memory that could not be read is a gap', async (t) => {
  const results = sampleResults([1], [10])
  const memory = results.memory.map((record) => ({ ...record, idleRssBytes: Number.NaN }))
  t.same(findGaps({ ...results, memory }), ['memory ours seed: idleRssBytes is NaN'])
})
