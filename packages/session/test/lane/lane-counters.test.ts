import { addLaneCounters, createLaneCounters, recordsOf } from '@reversed-vpn/session/testing'
import t from 'tap'

t.test('a write takes as many records as it has begun', async (t) => {
  t.same([0, 1, 16_384, 16_385, 262_144].map(recordsOf), [0, 1, 1, 2, 16])
})

t.test('counters are added each to its own', async (t) => {
  const [sum, lane] = [createLaneCounters(), createLaneCounters()]
  lane.toPeer.packets = 2
  lane.toPeer.records = 3
  lane.fromPeer.refusedByDevice = 4
  lane.fromPeer.drops[1] = 5
  addLaneCounters(sum, lane)
  addLaneCounters(sum, lane)
  t.match(sum.toPeer, { packets: 4, records: 6, stalls: 0 })
  t.match(sum.fromPeer, { packets: 0, refusedByDevice: 8 })
  t.equal(sum.fromPeer.drops[1], 10)
})
