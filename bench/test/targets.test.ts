import t from 'tap'
import { judgeTargets } from '../compare-peers/targets.js'
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

t.test('a repetition that failed for one peer does not count in the ratio', async (t) => {
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

t.test('targets of peers that were not measured are left out', async (t) => {
  const titles = judgeTargets(sampleResults([1], [10])).map(({ title }) => title)
  t.notOk(titles.some((title) => title.includes('proxy')))
})

t.test('memory is judged by its limits in megabytes of 10⁶ bytes', async (t) => {
  const verdicts = judgeTargets(sampleResults([1], [10])).filter(({ title }) => title.startsWith('RSS'))
  t.match(verdicts, [
    { measured: '80.0 MB', target: '≤ 90 MB', isMet: true },
    { measured: '210.0 MB', target: '≤ 200 MB', isMet: false },
  ])
})

t.test('a ratio may have a target and a stretch target', async (t) => {
  const [verdict] = judgeTargets(sampleResults([1, 1, 1], [10, 10, 10]))
  t.match(verdict, { target: '≥ 9', isMet: true, stretch: { target: '≥ 11', isMet: false } })
})

t.test('processor time is that of both daemons together', async (t) => {
  const results = sampleResults([1, 1], [10, 10])
  const samples = results.samples.map((sample) => ({
    ...sample,
    cpuSecondsPerGigabyte: sample.peer === 'ours' ? { seed: 1, shoot: 1.5 } : { seed: 15, shoot: 10 },
  }))
  const verdicts = judgeTargets({ ...results, samples })
  t.match(
    verdicts.find(({ title }) => title.startsWith('CPU')),
    { measured: '0.10 (0.10–0.10; of medians 0.10)', target: '≤ 0.12', isMet: true },
  )
})

t.test('bulk through the egress proxy is compared with the same peer without it', async (t) => {
  const results = sampleResults([1], [10])
  const [scenario] = results.scenarios
  const [sample] = results.samples
  if (scenario === undefined || sample === undefined) throw new Error('the sample results are empty')
  const names = ['egress-routed-to-shoot', 'egress-bulk-to-shoot']
  const verdicts = judgeTargets({
    ...results,
    scenarios: names.map((name) => ({ ...scenario, name })),
    samples: names.map((name, index) => ({
      ...sample,
      scenario: name,
      peer: 'ours',
      values: { gigabitsPerSecond: 4 - 2 * index },
    })),
  })
  t.match(
    verdicts.find(({ title }) => title.includes('egress')),
    {
      title: '1 bulk stream through the egress proxy, to shoot: ours / the same without the egress proxy',
      measured: '0.50 (0.50–0.50; of medians 0.50)',
      isMet: true,
      stretch: { target: '≥ 0.6', isMet: false },
    },
  )
})
