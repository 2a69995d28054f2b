import type { Lane } from '@reversed-vpn/session'
import { SessionLanes } from '@reversed-vpn/session/testing'
import t from 'tap'

let made = 0

/** Each is another one, also for a comparison by content. */
function laneOf(index: number): Lane {
  return { index, openedAtMs: ++made } as Lane
}

t.test('a lane replaces the one of its index when it is ready, and not before', async (t) => {
  const lanes = new SessionLanes()
  const [old, fresh] = [laneOf(0), laneOf(0)]
  lanes.add(old, undefined)
  t.same(lanes.setReady(old), [])
  t.same(lanes.add(fresh, undefined), [])
  t.equal(lanes.byIndex().get(0), fresh)
  t.same(lanes.ready(), [old])
  t.same(lanes.setReady(fresh), [old])
  lanes.setLeaving(old)
  t.same(lanes.ready(), [fresh])
  lanes.delete(old)
  t.same(lanes.all(), [fresh])
})

t.test('a successor that fails leaves the index to the lane it was to replace', async (t) => {
  const lanes = new SessionLanes()
  const [old, failed] = [laneOf(0), laneOf(0)]
  lanes.add(old, undefined)
  lanes.setReady(old)
  lanes.add(failed, undefined)
  lanes.delete(failed)
  t.equal(lanes.byIndex().get(0), old)
  t.same(lanes.ready(), [old])
})

t.test(
  'a lane that never was ready leaves at once, and its successor replaces what it was to replace',
  async (t) => {
    const lanes = new SessionLanes()
    const [old, silent, fresh] = [laneOf(0), laneOf(0), laneOf(0)]
    lanes.add(old, undefined)
    lanes.setReady(old)
    lanes.add(silent, undefined)
    t.same(lanes.add(fresh, undefined), [silent])
    lanes.setLeaving(silent)
    t.equal(lanes.setReady(silent), undefined, 'too late')
    t.same(lanes.setReady(fresh), [old])
  },
)

t.test('a predecessor of another index leaves as well, and stays in its place until then', async (t) => {
  const lanes = new SessionLanes()
  const [held, predecessor, fresh] = [laneOf(0), laneOf(1), laneOf(0)]
  for (const lane of [held, predecessor]) {
    lanes.add(lane, undefined)
    lanes.setReady(lane)
  }
  t.same(lanes.add(fresh, predecessor), [])
  t.equal(lanes.byIndex().get(1), predecessor)
  t.same(lanes.setReady(fresh), [held, predecessor])
})

t.test('a lane is ready once, and not when it is leaving or gone', async (t) => {
  const lanes = new SessionLanes()
  const [first, second] = [laneOf(0), laneOf(1)]
  lanes.add(first, undefined)
  lanes.add(second, undefined)
  lanes.setReady(first)
  t.equal(lanes.setReady(first), undefined)
  lanes.setLeaving(second)
  lanes.setLeaving(second)
  t.equal(lanes.setReady(second), undefined)
  lanes.delete(second)
  lanes.delete(second)
  lanes.setLeaving(second)
  t.equal(lanes.setReady(second), undefined)
  t.equal(lanes.size, 1)
})

t.test('a packet goes to a lane that is ready, else to any that is not leaving', async (t) => {
  const lanes = new SessionLanes()
  const [leaving, opening, ready] = [laneOf(0), laneOf(1), laneOf(2)]
  t.equal(lanes.first(), undefined)
  for (const lane of [leaving, opening, ready]) lanes.add(lane, undefined)
  lanes.setLeaving(leaving)
  t.equal(lanes.first(), opening)
  lanes.setReady(ready)
  t.equal(lanes.first(), ready)
})

t.test('a lane that is gone is not held by the one that replaced it', async (t) => {
  const lanes = new SessionLanes()
  const [old, fresh] = [laneOf(0), laneOf(0)]
  lanes.add(old, undefined)
  lanes.setReady(old)
  lanes.add(fresh, undefined)
  lanes.setReady(fresh)
  lanes.delete(old)
  const next = laneOf(0)
  t.same(lanes.add(next, undefined), [])
  t.same(lanes.setReady(next), [fresh])
})
