import t from 'tap'
import { gsoFrame, memoryPair, udpFrame, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

t.test('leaves packets to the device while the stream is full, and goes on after', async (t) => {
  await using streams = memoryPair()
  const { seed, seedTun, shoot, shootTun } = joinLanes(streams)
  streams.far.pause()
  seed.startSending()
  const frame = gsoFrame(Buffer.alloc(60_000))
  for (let i = 0; i < 100; i++) t.ok(seedTun.hostSends(frame))
  await until(() => seed.counters.toPeer.stalls > 0)
  t.ok(seed.counters.toPeer.packets < 20, 'most packets stay with the device')
  t.ok(seed.backlogBytes < 1_048_576, `${seed.backlogBytes} B wait in the process`)
  streams.far.resume()
  const received: Uint8Array[] = []
  await until(() => received.push(...shootTun.takeReceived()) === 100)
  t.equal(shoot.counters.fromPeer.packets, 100)
})

t.test('sends a lone small packet at once, and lets many of them gather', async (t) => {
  await using streams = memoryPair()
  const { seed, seedTun, shootTun } = joinLanes(streams)
  seed.startSending()
  seedTun.hostSends(udpFrame(Buffer.from('alone')))
  await until(() => shootTun.takeReceived().length === 1)
  t.equal(seed.counters.toPeer.batches, 1)

  const bursts = 200
  let received = 0
  for (let burst = 0; burst < bursts; burst++) {
    for (let i = 0; i < 5; i++) seedTun.hostSends(udpFrame(Buffer.from('one of many')))
    await new Promise((resolve) => setImmediate(resolve))
    received += shootTun.takeReceived().length
  }
  await until(() => {
    received += shootTun.takeReceived().length
    return received + seedTun.droppedFrames === 5 * bursts
  })
  t.ok(
    seed.counters.toPeer.batches < bursts / 2,
    `${seed.counters.toPeer.batches} batches for ${bursts} bursts`,
  )
})

t.test('a sender that is stopped leaves a queue alone that another has begun to read', async (t) => {
  await using first = memoryPair()
  await using second = memoryPair()
  const { seed, seedTun, seedQueue } = joinLanes(first)
  first.far.pause()
  seed.startSending()
  for (let i = 0; i < 20; i++) seedTun.hostSends(gsoFrame(Buffer.alloc(60_000)))
  await until(() => seed.counters.toPeer.stalls > 0)
  const { packets } = seed.counters.toPeer
  const other = joinLanes(second, {}, { queue: seedQueue })
  other.seed.startSending()
  seed.stopSending()
  await until(() => other.seed.counters.toPeer.packets === 20 - packets)
  t.equal(seed.counters.toPeer.packets, packets)
})
