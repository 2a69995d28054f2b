import { Backoff } from '@reversed-vpn/session/testing'
import t from 'tap'

t.test('waits are drawn below a bound that doubles up to the cap', async (t) => {
  const backoff = new Backoff({ minMs: 100, maxMs: 1000, random: () => 0.999 })
  const waits = Array.from({ length: 6 }, () => Math.round(backoff.nextMs()))
  t.same(waits, [100, 200, 400, 799, 999, 999])
})

t.test('jitter is full: the shortest draw is next to nothing, and never zero', async (t) => {
  const backoff = new Backoff({ minMs: 100, maxMs: 1000, random: () => 0 })
  t.equal(backoff.nextMs(), 1)
  t.equal(backoff.nextMs(), 2)
})

t.test('reset begins with the shortest bound again', async (t) => {
  const backoff = new Backoff({ minMs: 100, maxMs: 1000, random: () => 0.5 })
  backoff.nextMs()
  backoff.nextMs()
  backoff.reset()
  t.equal(backoff.nextMs(), 50)
})

t.test('thousands of failures do not overflow the bound', async (t) => {
  const backoff = new Backoff({ minMs: 100, maxMs: 10_000, random: () => 0.5 })
  let last = 0
  for (let i = 0; i < 5000; i++) last = backoff.nextMs()
  t.equal(last, 5000)
})
