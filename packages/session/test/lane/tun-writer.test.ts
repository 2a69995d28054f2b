import t from 'tap'
import { gsoFrame, memoryPair, unsummedUdpFrame, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

t.test('finishes a GSO packet in software when the device refuses it', async (t) => {
  await using streams = memoryPair()
  const { seed, seedTun, shootTun } = joinLanes(streams)
  shootTun.refuseWrites(22, 1)
  seed.startSending()
  seedTun.hostSends(gsoFrame(Buffer.alloc(3 * 1448, 'x')))
  const received: Uint8Array[] = []
  await until(() => received.push(...shootTun.takeReceived()) >= 3)
  t.same(
    received.map((frame) => frame.length),
    [10 + 40 + 1448, 10 + 40 + 1448, 10 + 40 + 1448],
  )
  t.ok(received.every((frame) => frame.subarray(0, 10).every((byte) => byte === 0)))
})

t.test('writes datagrams of a flow as one GSO packet', async (t) => {
  await using streams = memoryPair()
  const { seed, shoot, seedTun, shootTun } = joinLanes(streams)
  for (let i = 0; i < 100; i++) seedTun.hostSends(unsummedUdpFrame(Buffer.from([i, i])))
  seed.startSending()
  const received: Uint8Array[] = []
  await until(() => received.push(...shootTun.takeReceived()) > 0 && shoot.counters.fromPeer.packets === 100)
  t.ok(received.length < 10, `100 datagrams in ${received.length} writes`)
  const payloads = received.map((frame) => Buffer.from(frame.subarray(38)))
  t.same(Buffer.concat(payloads), Buffer.from(Array.from({ length: 200 }, (_, i) => i >> 1)))
})

t.test(
  'a device that takes no UDP GSO packet gets every datagram by itself, and is not asked again',
  async (t) => {
    await using streams = memoryPair()
    const { seed, seedTun, shootTun } = joinLanes(streams)
    shootTun.refuseWrites(22, 1)
    seed.startSending()
    const received: Uint8Array[] = []
    for (const round of [1, 2]) {
      for (let i = 0; i < 10; i++) seedTun.hostSends(unsummedUdpFrame(Buffer.from([i, i])))
      await until(() => received.push(...shootTun.takeReceived()) === 10 * round)
    }
    t.ok(received.every((frame) => frame.length === 10 + 28 + 2))
  },
)
