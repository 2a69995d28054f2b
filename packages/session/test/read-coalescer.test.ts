import { ReadCoalescer } from '@reversed-vpn/session/testing'
import t from 'tap'

const RECORD_BYTES = 16_384
const MILLISECONDS = 40

interface Wakeups {
  readonly everyMs: number
  readonly perWakeup: number
  readonly bytes?: number
}

/**
 * How often a watch wants a pause of a stream with `perWakeup` records together, a wakeup every `everyMs`.
 */
function pausesOf({ everyMs, perWakeup, bytes = RECORD_BYTES }: Wakeups): number {
  const coalescer = new ReadCoalescer()
  let pauses = 0
  for (let wakeup = 0; wakeup * everyMs < MILLISECONDS; wakeup++) {
    for (let record = 0; record < perWakeup; record++)
      if (coalescer.add(bytes, 1000 + wakeup * everyMs + record * 0.01)) pauses++
  }
  return pauses
}

t.test('bulk that comes record by record is to pause again and again', async (t) => {
  const pauses = pausesOf({ everyMs: 0.3, perWakeup: 1 })
  t.ok(pauses > 10, `${pauses} times in ${MILLISECONDS} ms`)
})

t.test('what is no bulk never waits', async (t) => {
  t.equal(pausesOf({ everyMs: 0.11, perWakeup: 1, bytes: 100 }), 0, 'many small packets')
  t.equal(pausesOf({ everyMs: 5, perWakeup: 1 }), 0, 'a page now and then')
})

t.test('fast bulk that is held up now and then never waits', async (t) => {
  const coalescer = new ReadCoalescer()
  let pauses = 0
  for (let round = 0; round < 20; round++) {
    for (let wakeup = 0; wakeup < 10; wakeup++)
      if (coalescer.add(4 * RECORD_BYTES, 1000 + round * 5 + wakeup * 0.11)) pauses++
    if (coalescer.add(RECORD_BYTES, 1000 + round * 5 + 3)) pauses++
  }
  t.equal(pauses, 0)
})

t.test('bulk that brings much with each wakeup never waits', async (t) => {
  t.equal(pausesOf({ everyMs: 0.2, perWakeup: 6 }), 0, 'as fast as the machine goes')
  t.equal(pausesOf({ everyMs: 0.8, perWakeup: 4 }), 0, 'slower, in whole reads')
})

t.test('what has gathered is let pass, and the wakeup after it', async (t) => {
  const coalescer = new ReadCoalescer()
  let atMs = 1000
  while (!coalescer.add(RECORD_BYTES, atMs)) atMs += 0.3
  const gathered = Array.from({ length: 5 }, (_, index) =>
    coalescer.add(RECORD_BYTES, atMs + 1.1 + index * 0.01),
  )
  t.strictSame(gathered, [false, false, false, false, false])
  t.notOk(coalescer.add(RECORD_BYTES, atMs + 1.4))
  t.ok(coalescer.add(RECORD_BYTES, atMs + 1.7))
})
