import { createLaneCounters, rotationDue } from '@reversed-vpn/session/testing'
import t from 'tap'
import { memoryPair, superFrame, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

t.test('asks to be replaced once its key has protected enough records', async (t) => {
  await using streams = memoryPair()
  const reasons: string[] = []
  const rotation = { keepaliveMs: 5, rotateAfterRecords: 10 }
  const { seed, seedTun } = joinLanes(streams, { onRotationDue: (reason) => reasons.push(reason) }, rotation)
  seed.startSending()
  await until(() => Date.now() - seed.openedAtMs > 20)
  t.same(reasons, [], 'a lane that carries little stays')
  for (let i = 0; i < 5; i++) seedTun.hostSends(superFrame(Buffer.alloc(60_000)))
  await until(() => reasons.length > 0)
  await until(() => Date.now() - seed.openedAtMs > 60)
  t.same(reasons, ['rotate-records'], 'it asks once')
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
  for (let i = 0; i < 3; i++) seedTun.hostSends(superFrame(Buffer.alloc(60_000)))
  await until(() => shoot.counters.fromPeer.packets === 3)
  t.ok(seed.counters.toPeer.records >= 11, `${seed.counters.toPeer.records} for 180 kB`)
  t.ok(shoot.counters.fromPeer.records >= 11, `${shoot.counters.fromPeer.records} for 180 kB`)
})

t.test('is due by what came from the peer as well', async (t) => {
  const counters = createLaneCounters()
  t.equal(rotationDue(counters, 0, { rotateAfterRecords: 10, rotateAfterMs: 20 }), undefined)
  counters.fromPeer.records = 10
  t.equal(rotationDue(counters, 0, { rotateAfterRecords: 10, rotateAfterMs: 20 }), 'rotate-records')
  t.equal(rotationDue(createLaneCounters(), 20, { rotateAfterMs: 20 }), 'rotate-age')
})
