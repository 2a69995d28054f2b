import { MAX_RECORDS_OF_A_KEY } from '@reversed-vpn/session'
import type { LaneHandler } from '@reversed-vpn/session/testing'
import { createLaneCounters, mostRecords, rotationDue } from '@reversed-vpn/session/testing'
import t from 'tap'
import { gsoFrame, memoryPair, type StreamPair, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

t.test('asks to be replaced once its key has protected enough records', async (t) => {
  await using streams = memoryPair()
  const reasons: string[] = []
  const rotation = { keepaliveMs: 5, rotateAfterRecords: 60 }
  const { seed, seedTun } = joinLanes(streams, { onRotationDue: (reason) => reasons.push(reason) }, rotation)
  seed.startSending()
  await until(() => Date.now() - seed.openedAtMs > 20)
  t.same(reasons, [], 'a lane that carries little stays')
  for (let i = 0; i < 30; i++) seedTun.hostSends(gsoFrame(Buffer.alloc(60_000)))
  await until(() => reasons.length > 0)
  await until(() => Date.now() - seed.openedAtMs > 60)
  t.same(reasons, ['rotate-records'], 'it asks once')
})

t.test('a step of the wall clock makes no lane old', async (t) => {
  await using streams = memoryPair()
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  const reasons: string[] = []
  const { seed } = joinLanes(streams, { onRotationDue: (reason) => reasons.push(reason) }, { keepaliveMs: 5 })
  Date.now = () => now() + 13 * 3_600_000
  await until(() => seed.ageMs > 40)
  t.same(reasons, [])
})

t.test('asks to be replaced when it is old', async (t) => {
  await using streams = memoryPair()
  const reasons: string[] = []
  const rotation = { keepaliveMs: 5, rotateAfterMs: 20 }
  joinLanes(streams, { onRotationDue: (reason) => reasons.push(reason) }, rotation)
  await until(() => reasons.length > 0)
  t.same(reasons, ['rotate-age'])
})

t.test('counts records of both directions alike', async (t) => {
  await using streams = memoryPair(2 ** 20)
  const { seed, shoot, seedTun } = joinLanes(streams, {}, { keepaliveMs: 5, rotateAfterRecords: 1000 })
  seed.startSending()
  for (let i = 0; i < 3; i++) seedTun.hostSends(gsoFrame(Buffer.alloc(60_000)))
  await until(() => shoot.counters.fromPeer.packets === 3)
  t.ok(seed.counters.toPeer.records >= 11, `${seed.counters.toPeer.records} for 180 kB`)
  t.ok(shoot.counters.fromPeer.records >= 11, `${shoot.counters.fromPeer.records} for 180 kB`)
})

t.test('is due by what came from the peer as well', async (t) => {
  const counters = createLaneCounters()
  const due = () => rotationDue(mostRecords(counters, 9), 0, { rotateAfterRecords: 10, rotateAfterMs: 20 })
  t.equal(due(), undefined)
  counters.fromPeer.records = 10
  t.equal(due(), 'rotate-records')
  const late = { rotateAfterRecords: MAX_RECORDS_OF_A_KEY }
  t.equal(rotationDue(0.75 * MAX_RECORDS_OF_A_KEY, 0, late), 'rotate-records', 'before its keys are spent')
  t.equal(rotationDue(mostRecords(createLaneCounters(), 0), 20, { rotateAfterMs: 20 }), 'rotate-age')
})

/** A lane whose keys protect 20 records at most, and the error that it ended with. */
function laneUntilSpent(streams: StreamPair, keepaliveMs = 60_000) {
  let onDown: LaneHandler['onDown'] = () => {}
  const ended = new Promise<Error | undefined>((resolve) => {
    onDown = ({ error }) => resolve(error)
  })
  const lanes = joinLanes(streams, { onDown }, { keepaliveMs, rotateAfterRecords: 10, maxRecords: 20 })
  return { ...lanes, ended }
}

t.test('ends when it was not replaced before its keys are spent, and says why', async (t) => {
  await using streams = memoryPair(2 ** 20)
  const { seed, shoot, seedTun, ended } = laneUntilSpent(streams)
  seed.startSending()
  for (let i = 0; i < 20; i++) seedTun.hostSends(gsoFrame(Buffer.alloc(60_000)))
  t.match(await ended, { code: 'ERR_KEY_SPENT', message: 'not replaced within 20 TLS records' })
  await until(() => shoot.isDown)
  const { records } = seed.counters.toPeer
  t.ok(records < 20 + 17, `it goes on no further than the batch under way: ${records}`)
})

t.test('ends as well when its keys are spent on control messages', async (t) => {
  await using streams = memoryPair()
  const { seed, ended } = laneUntilSpent(streams, 2)
  t.match(await ended, { code: 'ERR_KEY_SPENT' })
  t.equal(seed.counters.toPeer.records, 0)
})

t.test('ends as well when the peer has sent what its key may protect', async (t) => {
  await using streams = memoryPair()
  const lanes = laneUntilSpent(streams)
  for (let i = 0; i < 30 && !lanes.seed.isDown; i++) {
    lanes.shoot.sendGoAway('rotate-age', true)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.match(await lanes.ended, { code: 'ERR_KEY_SPENT' })
})
