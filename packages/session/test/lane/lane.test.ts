import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import { encodeControl } from '@reversed-vpn/protocol'
import { FrameStream, Lane } from '@reversed-vpn/session'
import t from 'tap'
import { checkers, gsoFrame, memoryPair, STREAM_KINDS, udpFrame, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

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
      const sent = Array.from({ length: 40 }, (_, i) => gsoFrame(Buffer.alloc(60_000 + i, i)))
      seed.startSending()
      for (const frame of sent) t.ok(seedTun.hostSends(frame))
      const received: Uint8Array[] = []
      await until(() => received.push(...shootTun.takeReceived()) >= sent.length)
      t.same(Buffer.concat(received), Buffer.concat(sent))
    })
  })
}

t.test(
  'packets are left to the device while the peer is silent, and go on when it is heard of again',
  async (t) => {
    await using streams = memoryPair()
    const { seed, seedTun, shootTun } = joinLanes(streams, {}, { keepaliveMs: 50, deadAfterMs: 4000 })
    seed.startSending()
    seedTun.hostSends(udpFrame(Buffer.from('before')))
    await until(() => shootTun.takeReceived().length === 1)
    streams.near.pause()
    await until(() => performance.now() - seed.lastByteAtMs > 1700)
    const { packets } = seed.counters.toPeer
    seedTun.hostSends(udpFrame(Buffer.from('while it is silent')))
    await until(() => performance.now() - seed.lastByteAtMs > 1800)
    t.equal(seed.counters.toPeer.packets, packets, 'what went to a dead peer would be lost')
    streams.near.resume()
    await until(() => shootTun.takeReceived().length === 1)
    t.notOk(seed.isDown)
  },
)

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
        onSilenceChange: () => {},
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
