import { constants } from 'node:os'
import { createFakeTun, NO_OFFLOAD } from '@reversed-vpn/node-tun/testing'
import { test } from 'tap'
import { createFakeLab } from './support/fake-lab.js'
import { testTunContract } from './support/tun-contract.js'
import { readFrames, writeFrames } from './support/tun-lab.js'
import { frameToFarEnd, frameToHost } from './support/udp-frame.js'

testTunContract('a fake TUN', createFakeLab)

test('a fake gives what was written, whole and in order', async (t) => {
  const fake = createFakeTun({ name: 'fake7' })
  const queue = fake.device.openQueue()
  const frames = [frameToHost(4, 'one'), frameToHost(6, 'two')]
  writeFrames(queue, frames)
  t.equal(fake.device.name, 'fake7')
  t.strictSame(fake.takeReceived(), frames)
  t.strictSame(fake.takeReceived(), [], 'taken once')
})

test('a fake refuses writes as told, then no more', async (t) => {
  const fake = createFakeTun()
  const queue = fake.device.openQueue()
  const frames = ['a', 'b', 'c'].map((payload) => frameToHost(4, payload))
  fake.refuseWrites(constants.errno.EIO, 2)
  t.strictSame(writeFrames(queue, frames), [constants.errno.EIO, constants.errno.EIO, 0])
  fake.refuseWrites(constants.errno.EAGAIN)
  t.strictSame(writeFrames(queue, frames), Array(3).fill(constants.errno.EAGAIN))
  t.equal(fake.takeReceived().length, 1)
})

test('a fake counts what it drops', async (t) => {
  const fake = createFakeTun({ queueLimitPackets: 1 })
  t.equal(fake.hostSends(frameToFarEnd(4, 0, 'no queue')), false)
  const queue = fake.device.openQueue()
  t.equal(fake.hostSends(frameToFarEnd(4, 0, 'taken')), true)
  t.equal(fake.hostSends(frameToFarEnd(4, 0, 'full')), false)
  t.equal(fake.droppedFrames, 2)
  t.equal(readFrames(queue).length, 1)
})

test('a fake keeps the offload that was set when it refuses another', async (t) => {
  const fake = createFakeTun()
  t.strictSame(fake.offload, NO_OFFLOAD)
  const offload = { checksum: true, tso4: true, tso6: true }
  fake.device.setOffload(offload)
  t.throws(() => fake.device.setOffload({ ...offload, checksum: false }), { code: 'EINVAL' })
  t.strictSame(fake.offload, offload)
})
