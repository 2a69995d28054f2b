import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import { DROP_REASONS, encodeControl, FRAME_TYPE, writeFrameHeader } from '@reversed-vpn/protocol'
import { FrameStream, Lane } from '@reversed-vpn/session'
import type { LaneHandler, LaneOptions } from '@reversed-vpn/session/testing'
import t from 'tap'
import {
  checkers,
  memoryPair,
  STREAM_KINDS,
  type StreamPair,
  superFrame,
  udpFrame,
  unsummedUdpFrame,
} from '../fixtures.js'

/** A seed's lane and a shoot's lane with a fake TUN each, joined by a stream. */
function joinLanes(
  streams: StreamPair,
  handler: Partial<LaneHandler> = {},
  timing: Partial<LaneOptions> = {},
) {
  const { toShoot, toSeed } = checkers()
  const [seedTun, shootTun] = [createFakeTun(), createFakeTun()]
  const common = { index: 0, keepaliveMs: 60_000, deadAfterMs: 180_000, ...timing }
  const events = { onReady: () => {}, onGoAway: () => {}, onRotationDue: () => {}, onDown: () => {} }
  const seed = new Lane({
    ...common,
    frames: new FrameStream(streams.near),
    queue: seedTun.device.openQueue(),
    toPeerChecker: toShoot,
    fromPeerChecker: toSeed,
    handler: { ...events, ...handler },
  })
  const shoot = new Lane({
    ...common,
    frames: new FrameStream(streams.far),
    queue: shootTun.device.openQueue(),
    toPeerChecker: toSeed,
    fromPeerChecker: toShoot,
    handler: events,
  })
  seed.open()
  shoot.open()
  return { seed, shoot, seedTun, shootTun }
}

/** Settles when `condition` holds, which is looked at after each turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

for (const [kind, open] of Object.entries(STREAM_KINDS)) {
  t.test(`over ${kind}`, async (t) => {
    t.test('carries packets to the peer in order, byte for byte', async (t) => {
      await using streams = await open()
      const { seed, shoot, seedTun, shootTun } = joinLanes(streams)
      const sent = Array.from({ length: 300 }, (_, i) => udpFrame(Buffer.from(`packet ${i}`)))
      seed.startSending()
      for (const frame of sent) t.ok(seedTun.hostSends(frame))
      const received: Uint8Array[] = []
      await until(() => received.push(...shootTun.takeReceived()) >= sent.length)
      t.same(Buffer.concat(received), Buffer.concat(sent))
      t.equal(seed.counters.toPeer.packets, 300)
      t.equal(shoot.counters.fromPeer.packets, 300)
      t.equal(shoot.counters.fromPeer.bytes, seed.counters.toPeer.bytes)
    })

    t.test('carries GSO packets whole, however the stream cuts them', async (t) => {
      await using streams = await open()
      const { seed, seedTun, shootTun } = joinLanes(streams)
      const sent = Array.from({ length: 40 }, (_, i) => superFrame(Buffer.alloc(60_000 + i, i)))
      seed.startSending()
      for (const frame of sent) t.ok(seedTun.hostSends(frame))
      const received: Uint8Array[] = []
      await until(() => received.push(...shootTun.takeReceived()) >= sent.length)
      t.same(Buffer.concat(received), Buffer.concat(sent))
    })
  })
}

t.test('drops and counts what the rules do not allow, and nothing else', async (t) => {
  await using streams = memoryPair()
  const { seed, seedTun, shootTun } = joinLanes(streams)
  seed.startSending()
  seedTun.hostSends(udpFrame(Buffer.from('first')))
  seedTun.hostSends(udpFrame(Buffer.from('elsewhere'), { destination: '8.8.8.8' }))
  seedTun.hostSends(udpFrame(Buffer.from('last')))
  const received: Uint8Array[] = []
  await until(() => received.push(...shootTun.takeReceived()) >= 2)
  t.same(
    received.map((frame) => Buffer.from(frame.subarray(38)).toString()),
    ['first', 'last'],
  )
  t.equal(seed.counters.toPeer.drops[DROP_REASONS.indexOf('destination')], 1)
})

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

t.test('leaves packets to the device while the stream is full, and goes on after', async (t) => {
  await using streams = memoryPair()
  const { seed, seedTun, shoot, shootTun } = joinLanes(streams)
  streams.far.pause()
  seed.startSending()
  const frame = superFrame(Buffer.alloc(60_000))
  for (let i = 0; i < 100; i++) t.ok(seedTun.hostSends(frame))
  await until(() => seed.counters.toPeer.stalls > 0)
  t.ok(seed.counters.toPeer.packets < 20, 'most packets stay with the device')
  t.ok(seed.backlogBytes < 1_048_576, `${seed.backlogBytes} B wait in the process`)
  streams.far.resume()
  const received: Uint8Array[] = []
  await until(() => received.push(...shootTun.takeReceived()) === 100)
  t.equal(shoot.counters.fromPeer.packets, 100)
})

t.test('finishes a GSO packet in software when the device refuses it', async (t) => {
  await using streams = memoryPair()
  const { seed, seedTun, shootTun } = joinLanes(streams)
  shootTun.refuseWrites(22, 1)
  seed.startSending()
  seedTun.hostSends(superFrame(Buffer.alloc(3 * 1448, 'x')))
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

t.test('answers PING, measures the round trip and is ready at the first PONG', async (t) => {
  await using streams = memoryPair()
  const lane = await new Promise<Lane>((resolve) => {
    const { seed } = joinLanes(streams, { onReady: () => resolve(seed) })
  })
  t.type(lane.rttMs, 'number')
  t.ok((lane.rttMs ?? -1) >= 0)
})

t.test(
  'a peer that falls silent counts as dead after deadAfterMs, though the stream stays open',
  async (t) => {
    await using streams = memoryPair()
    const queue = createFakeTun().device.openQueue()
    const { toShoot, toSeed } = checkers()
    const error = await new Promise<Error | undefined>((resolve) => {
      const lane = new Lane({
        index: 0,
        frames: new FrameStream(streams.near),
        queue,
        toPeerChecker: toShoot,
        fromPeerChecker: toSeed,
        keepaliveMs: 20,
        deadAfterMs: 60,
        handler: {
          onReady: () => {},
          onGoAway: () => {},
          onRotationDue: () => {},
          onDown: ({ error: why }) => resolve(why),
        },
      })
      lane.open()
    })
    t.match(error, { code: 'ERR_PEER_DEAD' })
  },
)

t.test(
  'packets are left to the device while the peer is silent, and go on when it is heard of again',
  async (t) => {
    await using streams = memoryPair()
    const { seed, seedTun, shootTun } = joinLanes(streams, {}, { keepaliveMs: 50, deadAfterMs: 1000 })
    seed.startSending()
    seedTun.hostSends(udpFrame(Buffer.from('before')))
    await until(() => shootTun.takeReceived().length === 1)
    streams.near.pause()
    await until(() => performance.now() - seed.lastByteAtMs > 500)
    const { packets } = seed.counters.toPeer
    seedTun.hostSends(udpFrame(Buffer.from('while it is silent')))
    await until(() => performance.now() - seed.lastByteAtMs > 600)
    t.equal(seed.counters.toPeer.packets, packets, 'what went to a dead peer would be lost')
    streams.near.resume()
    await until(() => shootTun.takeReceived().length === 1)
    t.notOk(seed.isDown)
  },
)

t.test('any byte counts as a sign of life', async (t) => {
  await using streams = memoryPair()
  let isDown = false
  const { shoot } = joinLanes(
    streams,
    {
      onDown: () => {
        isDown = true
      },
    },
    { keepaliveMs: 20, deadAfterMs: 60 },
  )
  await until(() => Date.now() - shoot.openedAtMs > 200)
  t.equal(isDown, false)
  await shoot.close('going-away', 'test over')
})

t.test('a frame that is no longer legal ends the lane with CLOSE', async (t) => {
  await using streams = memoryPair()
  const { toShoot, toSeed } = checkers()
  const closed = new Promise<Error | undefined>((resolve) => {
    new Lane({
      index: 0,
      frames: new FrameStream(streams.near),
      queue: createFakeTun().device.openQueue(),
      toPeerChecker: toShoot,
      fromPeerChecker: toSeed,
      keepaliveMs: 60_000,
      deadAfterMs: 180_000,
      handler: {
        onReady: () => {},
        onGoAway: () => {},
        onRotationDue: () => {},
        onDown: ({ error }) => resolve(error),
      },
    }).open()
  })
  const answer: Buffer[] = []
  streams.far.on('data', (chunk: Buffer) => answer.push(chunk))
  streams.far.write(encodeControl({ type: 'REJECT', code: 'internal', reason: 'too late' }))
  t.match(await closed, { code: 'ERR_FRAME_UNEXPECTED' })
  await new Promise((resolve) => streams.far.once('end', resolve))
  t.match(Buffer.concat(answer).toString('latin1'), /unexpected-frame/)
})

t.test('close settles, twice and after the peer has gone', async (t) => {
  await using streams = memoryPair()
  const { seed, shoot } = joinLanes(streams)
  await Promise.all([seed.close('going-away', 'over'), seed.close('going-away', 'over')])
  await shoot.close('going-away', 'over')
  t.ok(seed.isDown)
  t.ok(shoot.isDown)
})

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

t.test('sends a lone small packet at once, and lets a flood of them gather', async (t) => {
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
