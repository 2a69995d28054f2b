import { Timers } from '@reversed-vpn/session/testing'
import t from 'tap'
import { countTimers } from './running-timers.js'

t.test('a timer fires once, unless it was stopped', async (t) => {
  const timers = new Timers()
  const fired: string[] = []
  timers.stop(timers.start(1, () => fired.push('stopped')))
  timers.stop(undefined)
  const hold = setInterval(() => {}, 1000)
  await new Promise<void>((resolve) => {
    timers.start(5, () => {
      fired.push('kept')
      resolve()
    })
  })
  clearInterval(hold)
  t.same(fired, ['kept'])
})

t.test('a wait that is too long for Node does not end at once', async (t) => {
  const timers = new Timers()
  let hasFired = false
  timers.start(2 ** 31, () => {
    hasFired = true
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.notOk(hasFired)
  timers.close()
})

t.test('closed, it clears what runs and starts nothing', async (t) => {
  using running = countTimers()
  const timers = new Timers()
  timers.start(60_000, () => {})
  timers.start(60_000, () => {})
  t.equal(await running.read(), 2)
  timers.close()
  t.equal(await running.read(), 0)
  t.equal(
    timers.start(1, () => {}),
    undefined,
  )
  t.equal(await running.read(), 0)
})
