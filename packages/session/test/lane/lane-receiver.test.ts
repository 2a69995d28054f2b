import { DROP_REASONS, FRAME_TYPE, writeFrameHeader } from '@reversed-vpn/protocol'
import t from 'tap'
import { memoryPair, udpFrame, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

t.test('the receiver checks again what its peer should have checked', async (t) => {
  await using streams = memoryPair()
  const { seed, seedTun } = joinLanes(streams)
  const frame = udpFrame(Buffer.from('from a pod to a pod'))
  const header = Buffer.alloc(4)
  writeFrameHeader(header, 0, FRAME_TYPE.DATA, frame.length)
  streams.far.write(Buffer.concat([header, frame]))
  await until(() => seed.counters.fromPeer.drops.some((count) => count > 0))
  t.same(seedTun.takeReceived(), [])
  t.equal(seed.counters.fromPeer.drops[DROP_REASONS.indexOf('source')], 1)
})
