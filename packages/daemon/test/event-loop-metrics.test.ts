import { createRegistry } from '@reversed-vpn/daemon'
import t from 'tap'

/** The values of all metrics of the event loop, by statistic. */
async function lags(registry: ReturnType<typeof createRegistry>): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).matchAll(/^toy_nodejs_eventloop_lag_(?:(\w+)_)?seconds (\S+)$/gm)
  return Object.fromEntries([...lines].map(([, statistic = 'now', value]) => [statistic, Number(value)]))
}

t.test('a scrape right after another has numbers, the same until there are new samples', async (t) => {
  const registry = createRegistry({ name: 'toy', version: '1', droppedLines: () => 0 })
  const first = await lags(registry)
  t.same(Object.keys(first).sort(), ['max', 'mean', 'min', 'now', 'p50', 'p90', 'p99', 'stddev'])
  for (let scrape = 0; scrape < 3; scrape++) {
    for (const [statistic, value] of Object.entries(await lags(registry)))
      t.ok(value >= 0 && value < 2, `${statistic} is ${value}`)
  }
  t.equal(first.p99, 0.5, 'no delay but the interval')
})

t.test('a blocked event loop shows', async (t) => {
  const registry = createRegistry({ name: 'toy', version: '1', droppedLines: () => 0 })
  const max = async () => (await lags(registry)).max ?? 0
  await max()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500)
  let blocked = 0
  while (blocked < 0.9) blocked = await max()
  t.ok(blocked < 5, `${blocked} s`)
  t.equal(await max(), blocked, 'kept until there are new samples')
})
