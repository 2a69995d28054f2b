import { FrameStream } from '@reversed-vpn/session'
import t from 'tap'
import { memoryPair } from './fixtures.js'
import { countTimers } from './running-timers.js'
import { addLane, openSession, until } from './session-rig.js'

t.test('the first lane that is ready is told, and the last one that goes ends the session', async (t) => {
  await using rig = openSession()
  const { far } = addLane(rig.session, 0)
  t.equal(rig.session.state, 'opening')
  await until(() => rig.log.length === 1)
  rig.session.activate()
  t.equal(rig.session.state, 'active')
  t.ok(rig.session.isSending)
  far.frames.end()
  await until(() => rig.log.length === 3)
  t.same(rig.log, ['lane 0 ready', 'lane 0 down: in order', 'closed: in order'])
  t.equal(rig.session.state, 'closed')
  t.notOk(rig.session.isSending)
})

t.test('a session without lanes ends when it is closed or aborted, and says so once', async (t) => {
  const closed = openSession()
  await closed.session.close('going-away', 'over')
  await closed.session.close('going-away', 'over')
  closed.session.abort(new Error('too late'))
  t.equal(closed.session.state, 'closed')
  t.same(closed.log, ['closed: in order'])

  const aborted = openSession()
  aborted.session.abort(new Error('no more'))
  aborted.session.abort(new Error('no more'))
  await aborted.session.close('going-away', 'over')
  t.equal(aborted.session.state, 'closed')
  t.same(aborted.log, ['closed: no more'])
})

t.test('a session whose first lane gets no queue is ended, and so is the connection', async (t) => {
  const rig = openSession()
  rig.tun.device.close()
  const streams = memoryPair()
  t.throws(() => rig.session.addLane(1, new FrameStream(streams.near)), { code: 'EBADF' })
  t.ok(streams.near.destroyed)
  t.equal(rig.session.state, 'closed')
  t.equal(rig.log.length, 1)
  t.match(rig.log[0], /^closed: .*EBADF/)
})

t.test('a further lane that gets no queue leaves the session as it was', async (t) => {
  await using rig = openSession()
  const { lane } = addLane(rig.session, 0)
  rig.tun.device.close()
  const streams = memoryPair()
  t.throws(() => rig.session.addLane(1, new FrameStream(streams.near)), { code: 'EBADF' })
  t.ok(streams.near.destroyed)
  t.equal(rig.session.state, 'opening')
  t.same([...rig.session.lanes.values()], [lane])
})

t.test('no timer outlives its session', async (t) => {
  for (const end of ['close', 'abort', 'last lane']) {
    using timers = countTimers()
    const rig = openSession({ keepaliveMs: 10_000, deadAfterMs: 0 })
    const { far } = addLane(rig.session, 0)
    await until(() => rig.log.length === 1)
    // A peer counts as silent at once with these limits, so it is looked at again.
    rig.session.activate()
    rig.session.renewLanes(60_000)
    rig.session.renewLanes(70_000)
    rig.session.drain('superseded', { closeAfterMs: 60_000 })
    t.ok((await timers.read()) >= 3)
    if (end === 'close') await rig.session.close('going-away', 'over')
    else if (end === 'abort') rig.session.abort(new Error('over'))
    else far.frames.abort()
    await until(() => rig.session.state === 'closed' && far.isClosed)
    t.equal(await timers.read(), 0, `after ${end}`)
  }
})

t.test('a timer that is started on a closed session never is', async (t) => {
  using timers = countTimers()
  const rig = openSession()
  rig.session.abort(new Error('over'))
  rig.session.renewLanes(10)
  rig.session.drain('superseded', { closeAfterMs: 10 })
  t.equal(await timers.read(), 0)
})

t.test('a session that drains is closed by itself when it may not drain any longer', async (t) => {
  await using rig = openSession()
  const { far } = addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  rig.session.activate()
  rig.session.drain('superseded', { closeAfterMs: 20 })
  t.equal(rig.session.state, 'draining')
  await until(() => far.was('CLOSE') !== undefined)
  t.match(far.was('GOAWAY'), { reason: 'superseded' })
  t.match(far.was('CLOSE'), { code: 'going-away', reason: 'superseded, and the drain time is over' })
  await until(() => rig.session.state === 'closed')
})

t.test('lanes that were not replaced in time are ended', async (t) => {
  await using rig = openSession()
  const old = addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  rig.session.renewLanes(20)
  t.match(old.far.was('GOAWAY') ?? (await untilTold(old.far, 'GOAWAY')), { lane: 0, reason: 'rotate-age' })
  const fresh = addLane(rig.session, 1)
  await until(() => rig.log.includes('lane 0 down: in order'))
  t.match(old.far.was('CLOSE'), { code: 'internal' })
  t.notOk(fresh.lane.isDown)
})

t.test('a lane that comes when the session is closing is told so, and waited for', async (t) => {
  const rig = openSession()
  addLane(rig.session, 0, { answers: false })
  const closing = rig.session.close('going-away', 'over')
  const late = addLane(rig.session, 1, { answers: false })
  await closing
  t.ok(late.lane.isDown)
  await until(() => late.far.was('CLOSE') !== undefined)
  t.match(late.far.was('CLOSE'), { code: 'going-away', reason: 'over' })
  t.same(rig.log, ['lane 0 down: in order', 'lane 1 down: in order', 'closed: in order'])
})

t.test('a lane that comes when the session was cut is told so', async (t) => {
  const rig = openSession()
  addLane(rig.session, 0)
  rig.session.abort(new Error('cut'))
  const late = addLane(rig.session, 1)
  await until(() => late.lane.isDown && late.far.was('CLOSE') !== undefined)
  t.match(late.far.was('CLOSE'), { code: 'internal', reason: 'the session has ended' })
})

t.test('the end of a replaced lane is told as that', async (t) => {
  await using rig = openSession()
  addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  addLane(rig.session, 0)
  await until(() => rig.log.length === 3)
  t.same(rig.log, ['lane 0 ready', 'lane 0 ready', 'lane 0 replaced: in order'])
})

async function untilTold(far: ReturnType<typeof addLane>['far'], type: 'GOAWAY') {
  await until(() => far.was(type) !== undefined)
  return far.was(type)
}
