import { DROP_REASONS, FRAME_HEADER_BYTES, FRAME_TYPE, writeFrameHeader } from '@reversed-vpn/protocol'
import { FrameStream, type Session } from '@reversed-vpn/session'
import t from 'tap'
import { memoryPair, udpFrame, until } from './fixtures.js'
import { countTimers } from './running-timers.js'
import { addLane, openSession } from './session-rig.js'

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
  t.same(rig.log, [
    'lane 0 ready',
    'lane 0 down: the connection ended without CLOSE',
    'closed: the connection ended without CLOSE',
  ])
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

t.test('a lane is replaced make before break', async (t) => {
  await using rig = openSession()
  const old = addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  rig.session.activate()
  const fresh = addLane(rig.session, 0, { answers: false })
  t.ok(rig.session.isSending, 'the old one sends until the new one is ready')
  rig.tun.hostSends(udpFrame(Buffer.from('before')))
  await until(() => old.far.packets === 1)
  fresh.far.frames.sendControl({ type: 'PONG', id: 1 })
  await until(() => rig.log.length === 3)
  t.same(rig.log.slice(1), ['lane 0 ready', 'lane 0 replaced: in order'])
  t.match(old.far.was('CLOSE'), { code: 'replaced' })
  rig.tun.hostSends(udpFrame(Buffer.from('after')))
  await until(() => fresh.far.packets === 1)
  t.equal(old.far.packets, 1)
  t.equal(rig.totals.read().toPeer.packets, 2, 'what the old one sent still counts')
})

t.test('packets of a replaced lane are taken until it has ended', async (t) => {
  await using rig = openSession()
  const old = addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  old.streams.near.pause()
  old.far.frames.stream.write(dataFrame())
  const fresh = addLane(rig.session, 0)
  await until(() => rig.log.includes('lane 0 ready') && fresh.lane.rttMs !== undefined)
  old.streams.near.resume()
  await until(() => rig.tun.takeReceived().length === 1)
  t.pass('it came')
})

t.test('a successor that fails leaves the lane that it was to replace in place', async (t) => {
  await using rig = openSession()
  const old = addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  rig.session.activate()
  const failed = addLane(rig.session, 0, { answers: false })
  t.equal(rig.session.lanes.get(0), failed.lane)
  failed.lane.abort(new Error('failed'))
  t.same(rig.log.slice(1), ['lane 0 down: failed'])
  t.equal(rig.session.lanes.get(0), old.lane)
  rig.tun.hostSends(udpFrame(Buffer.from('still')))
  await until(() => old.far.packets === 1)
})

t.test('a lane that never answered leaves as soon as another takes its index', async (t) => {
  await using rig = openSession()
  const silent = addLane(rig.session, 0, { answers: false })
  addLane(rig.session, 0)
  await until(() => silent.lane.isDown)
  t.ok(rig.log.includes('lane 0 replaced: in order'))
  await until(() => silent.far.was('CLOSE') !== undefined)
})

t.test('a lane of another index that it stands beside leaves when it is ready', async (t) => {
  await using rig = openSession()
  const old = addLane(rig.session, 1)
  await until(() => rig.log.length === 1)
  const fresh = addLane(rig.session, 0, { answers: false, replaces: old.lane })
  t.same([...rig.session.lanes.values()], [old.lane, fresh.lane])
  fresh.far.frames.sendControl({ type: 'PONG', id: 1 })
  await until(() => rig.log.length === 3)
  t.same(rig.log, ['lane 1 ready', 'lane 0 ready', 'lane 1 replaced: in order'])
  t.same([...rig.session.lanes.values()], [fresh.lane])
})

t.test('a lane that the peer replaced is told as that', async (t) => {
  await using rig = openSession()
  const { far } = addLane(rig.session, 0, { answers: false })
  addLane(rig.session, 1, { answers: false })
  far.frames.sendControl({ type: 'CLOSE', code: 'replaced', reason: 'another took it' })
  await until(() => rig.log.length === 1)
  t.same(rig.log, ['lane 0 replaced: in order'])
})

t.test('a lane that is closing does not get ready', async (t) => {
  const rig = openSession()
  const { far } = addLane(rig.session, 0, { answers: false })
  const closing = rig.session.close('going-away', 'over')
  far.frames.sendControl({ type: 'PONG', id: 1 })
  await closing
  t.same(rig.log, ['lane 0 down: in order', 'closed: in order'])
})

t.test('a session ends from every state, by close and by abort', async (t) => {
  const paths = {
    opening: () => {},
    active: (session: Session) => session.activate(),
    draining: (session: Session) => session.drain('superseded'),
    closing: (session: Session) => void session.close('going-away', 'over'),
  }
  for (const [state, enter] of Object.entries(paths)) {
    for (const end of ['close', 'abort'] as const) {
      const rig = openSession()
      const { lane } = addLane(rig.session, 0)
      await until(() => rig.log.length === 1)
      enter(rig.session)
      t.equal(rig.session.state, state)
      if (end === 'abort') rig.session.abort(new Error('cut'))
      else await rig.session.close('going-away', 'over')
      t.equal(rig.session.state, 'closed')
      t.ok(lane.isDown)
      t.equal(rig.log.filter((line) => line.startsWith('closed')).length, 1, `${end} while ${state}`)
      if (end === 'abort') t.equal(rig.log.at(-1), 'closed: cut')
    }
  }
})

t.test('what cannot follow on a state is refused, or has no effect', async (t) => {
  await using rig = openSession()
  addLane(rig.session, 0)
  rig.session.drain('superseded')
  t.throws(() => rig.session.activate(), { message: 'session cannot go from draining to active' })
  rig.session.drain('superseded')
  t.equal(rig.session.state, 'draining')
  await rig.session.close('going-away', 'over')
  rig.session.drain('superseded')
  t.equal(rig.session.state, 'closed')
  t.throws(() => rig.session.activate(), { message: 'session cannot go from closed to active' })
})

t.test('a session whose lanes may send when they open is ready at once', async (t) => {
  await using rig = openSession({ isReadyOnOpen: true })
  rig.session.activate()
  t.notOk(rig.session.isSending)
  addLane(rig.session, 0, { answers: false })
  t.same(rig.log, ['lane 0 ready'])
  t.ok(rig.session.isSending)
})

t.test('a connection that ended during the handshake is a lane that is lost at once', async (t) => {
  for (const isReadyOnOpen of [true, false]) {
    const rig = openSession({ isReadyOnOpen })
    const frames = new FrameStream(memoryPair().near)
    frames.abort(new Error('gone'))
    t.ok(rig.session.addLane(0, frames).isDown)
    t.same(rig.log, ['lane 0 down: gone', 'closed: gone'])
    t.equal(rig.totals.read().toPeer.packets, 0)
  }
})

t.test('the peer asks for the session to be left, or for a lane to be replaced', async (t) => {
  await using rig = openSession()
  const { lane, far } = addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  far.frames.sendControl({ type: 'GOAWAY', lane: 0, reason: 'rotate-age' })
  await lane.leaving
  t.ok(lane.isReplacementWanted)
  t.notOk(lane.isDown)
  far.frames.sendControl({ type: 'GOAWAY', reason: 'superseded' })
  await until(() => rig.log.length === 2)
  t.equal(rig.log[1], 'go away: superseded')
})

t.test('a lane that is due asks the peer once, also when lanes are renewed twice', async (t) => {
  await using rig = openSession({ keepaliveMs: 5, rotateAfterMs: 10 })
  const { lane, far } = addLane(rig.session, 0)
  await lane.leaving
  rig.session.renewLanes()
  rig.session.renewLanes()
  await until(() => Date.now() - lane.openedAtMs > 40)
  t.equal(far.told.filter(({ type }) => type === 'GOAWAY').length, 1)
})

t.test('lanes that came after the certificates changed are not ended with those of before', async (t) => {
  await using rig = openSession()
  const old = addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  rig.session.activate()
  rig.session.renewLanes(30)
  const fresh = addLane(rig.session, 0)
  await until(() => old.lane.isDown)
  await new Promise((resolve) => setTimeout(resolve, 60))
  t.notOk(fresh.lane.isDown)
  t.ok(rig.session.isSending)
})

t.test('a token is compared as a whole, whatever it is made of', async (t) => {
  await using rig = openSession({ token: 'a'.repeat(64) })
  t.ok(rig.session.hasToken('a'.repeat(64)))
  for (const other of [
    '',
    'a'.repeat(63),
    'a'.repeat(65),
    `${'a'.repeat(63)}b`,
    'é'.repeat(64),
    'a'.repeat(64).padEnd(70),
  ]) {
    t.notOk(rig.session.hasToken(other), other)
  }
})

t.test('what may travel follows the networks', async (t) => {
  await using rig = openSession()
  const { far, lane } = addLane(rig.session, 0)
  await until(() => rig.log.length === 1)
  rig.session.activate()
  rig.session.setNetworks({ pod: ['10.1.0.0/16'], service: [], node: [] })
  rig.tun.hostSends(udpFrame(Buffer.from('no more'), { destination: '100.96.0.10' }))
  rig.tun.hostSends(udpFrame(Buffer.from('from now on'), { destination: '10.1.0.1' }))
  await until(() => far.packets === 1)
  t.equal(lane.counters.toPeer.drops[DROP_REASONS.indexOf('destination')], 1)
})

t.test('tells how many lanes are wanted, and who is at the other end', async (t) => {
  await using rig = openSession({ lanesWanted: 3 })
  t.equal(rig.session.lanesWanted, 3)
  t.equal(rig.session.peer.name, 'vpn-shoot-client')
  t.match(rig.session.token, /^[0-9a-f]{64}$/)
})

/** A packet of a pod to the seed. */
function dataFrame(): Buffer {
  const payload = udpFrame(Buffer.from('to the seed'))
  const packet = payload.subarray(10)
  const [source, destination] = [Buffer.from(packet.subarray(12, 16)), Buffer.from(packet.subarray(16, 20))]
  packet.set(destination, 12)
  packet.set(source, 16)
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.length)
  writeFrameHeader(frame, 0, FRAME_TYPE.DATA, payload.length)
  frame.set(payload, FRAME_HEADER_BYTES)
  return frame
}
