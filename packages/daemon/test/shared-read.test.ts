import { once } from 'node:events'
import { SharedRead } from '@reversed-vpn/daemon/testing'
import t from 'tap'

t.test('runs once at a time, for all who ask meanwhile', async (t) => {
  const gate = new EventTarget()
  let runs = 0
  const shared = new SharedRead(async () => {
    runs += 1
    await once(gate, 'open')
    return runs
  })
  const answers = [shared.get(), shared.get(), shared.get()]
  await Promise.resolve()
  gate.dispatchEvent(new Event('open'))
  t.same(await Promise.all(answers), [1, 1, 1])
})

t.test('rests for four times as long as a read took', async (t) => {
  let busyMs = 0
  const shared = new SharedRead(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    busyMs += 20
  })
  const beginMs = performance.now()
  while (busyMs < 100) await shared.get()
  t.ok(performance.now() - beginMs >= 400)
})

t.test('a read that fails fails for all who asked, and the next is another', async (t) => {
  let runs = 0
  const shared = new SharedRead(() => {
    runs += 1
    if (runs === 1) throw new Error('broken')
    return runs
  })
  await Promise.all([
    t.rejects(shared.get(), { message: 'broken' }),
    t.rejects(shared.get(), { message: 'broken' }),
  ])
  t.equal(await shared.get(), 2)
})
