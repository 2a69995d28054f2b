import { createFakeTun, type TunQueue } from '@reversed-vpn/node-tun'
import { FlowRates, FlowSteering } from '@reversed-vpn/session'
import t from 'tap'
import { superFrame, udpFrame } from './fixtures.js'

const NOW_MS = 1000
const SMALL = udpFrame(Buffer.from('small'))
const BULK = superFrame(Buffer.alloc(60_000))

/** Steering with a queue for each lane, of which those given carry. */
function steer(lanes: number, carrying: readonly number[]) {
  const { device } = createFakeTun()
  const queues = Array.from({ length: lanes }, () => device.openQueue())
  const steering = new FlowSteering(new FlowRates())
  steering.setLanes(carrying.map((index) => ({ index, queue: queues[index] as TunQueue })))
  const laneOf = (frame: Buffer, own = 0) =>
    queues.indexOf(steering.queueOf(frame, 0, frame.length, NOW_MS, queues[own] as TunQueue))
  return { steering, laneOf }
}

t.test('a single lane has everything', async (t) => {
  const { steering, laneOf } = steer(2, [0])
  t.notOk(steering.isNeeded)
  for (const frame of [BULK, BULK, BULK, SMALL]) t.equal(laneOf(frame), 0)
})

t.test('of several the last is for flows that send little', async (t) => {
  const { steering, laneOf } = steer(3, [2, 0, 1])
  t.ok(steering.isNeeded)
  t.equal(laneOf(SMALL), 2)
})

t.test('a flow that becomes bulk is led to another, and stays there', async (t) => {
  const { laneOf } = steer(3, [0, 1, 2])
  t.equal(laneOf(BULK), 2, 'nobody knows yet')
  const lanes = new Set([laneOf(BULK), laneOf(BULK), laneOf(BULK)])
  t.equal(lanes.size, 1)
  t.ok(!lanes.has(2))
  t.equal(laneOf(SMALL), 2, 'the others stay where they are')
})

t.test('what it sends to the peer counts as well', async (t) => {
  const { steering, laneOf } = steer(2, [0, 1])
  steering.note(BULK, 0, BULK.length, NOW_MS)
  steering.note(BULK, 0, BULK.length, NOW_MS)
  t.equal(laneOf(BULK, 1), 0)
})

t.test('when lanes are lost, what is left is steered anew', async (t) => {
  const { steering, laneOf } = steer(3, [0, 1])
  t.equal(laneOf(SMALL), 1)
  steering.setLanes([])
  t.equal(laneOf(SMALL, 2), 2, 'none: each to its own')
})
