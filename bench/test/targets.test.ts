import t from 'tap'
import { judgeTargets } from '../src/report/targets.js'
import { sampleResults } from './sample-results.js'

t.test('a ratio is taken within each repetition, and the median of those counts', async (t) => {
  const [verdict] = judgeTargets(sampleResults([1, 0.5, 1], [10, 5, 2]))
  t.match(verdict, { title: /ours \/ openvpn/, target: '≥ 9', isMet: true })
  t.equal(verdict?.measured, '10.00 (2.00–10.00; of medians 5.00)')
})

t.test('a target that is missed is reported as missed', async (t) => {
  const [verdict] = judgeTargets(sampleResults([1, 1, 1], [8, 8, 8]))
  t.match(verdict, { isMet: false })
})

t.test('a repetition that failed for one peer takes no part in the ratio', async (t) => {
  const results = sampleResults([1, 1], [10, 20])
  const samples = results.samples.map((sample) =>
    sample.peer === 'openvpn' && sample.repetition === 1 ? { ...sample, values: {}, error: 'hung' } : sample,
  )
  const [verdict] = judgeTargets({ ...results, samples })
  t.equal(verdict?.measured, '10.00 (10.00–10.00; of medians 15.00)')
})

t.test('a target without any sample is not met', async (t) => {
  const results = sampleResults([1], [10])
  const [verdict] = judgeTargets({ ...results, samples: [] })
  t.match(verdict, { measured: undefined, isMet: false })
})

t.test('targets of peers that took no part are left out', async (t) => {
  const titles = judgeTargets(sampleResults([1], [10])).map(({ title }) => title)
  t.notOk(titles.some((title) => title.includes('proxy')))
})

t.test('memory is held against its limits in megabytes of 10⁶ bytes', async (t) => {
  const verdicts = judgeTargets(sampleResults([1], [10])).filter(({ title }) => title.startsWith('RSS'))
  t.match(verdicts, [
    { measured: '80.0 MB', target: '≤ 90 MB', isMet: true },
    { measured: '210.0 MB', target: '≤ 200 MB', isMet: false },
  ])
})
