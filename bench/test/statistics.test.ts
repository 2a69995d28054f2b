import t from 'tap'
import { median, percentile, percentileOfTime, slopeOf, spreadOf } from '../measure/statistics.js'

t.test('the median of an even number of samples lies between the two in the middle', async (t) => {
  t.equal(median([4, 1, 3, 2]), 2.5)
  t.equal(median([9, 1, 5]), 5)
  t.ok(Number.isNaN(median([])))
})

t.test('a percentile is a sample that was measured', async (t) => {
  const samples = [50, 10, 40, 20, 30]
  t.equal(percentile(samples, 50), 30)
  t.equal(percentile(samples, 95), 50)
  t.equal(percentile(samples, 0), 10)
  t.ok(Number.isNaN(percentile([], 50)))
})

t.test('a percentile of the time weighs each duration by its own length', async (t) => {
  const durations = [...Array.from({ length: 100 }, () => 1), 100, 200]
  t.equal(percentileOfTime(durations, 25), 1)
  t.equal(percentileOfTime(durations, 50), 100)
  t.equal(percentileOfTime(durations, 99), 200)
  t.ok(Number.isNaN(percentileOfTime([], 99)))
})

t.test('no samples have no spread', async (t) => {
  t.equal(spreadOf([]), undefined)
  t.same(spreadOf([2, 1, 3]), { count: 3, median: 2, min: 1, max: 3 })
})

t.test('the slope of points on a line is that of the line', async (t) => {
  t.equal(slopeOf([0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x }))), 2)
  t.equal(slopeOf([{ x: 1, y: 1 }]), 0)
})
