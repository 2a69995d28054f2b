import { FRAME_TYPE, FrameDecoder, writeFin } from '@reversed-vpn/protocol'
import { FrameStream } from '@reversed-vpn/session'
import t from 'tap'
import { memoryPair, STREAM_KINDS, udpFrame, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'
import { isEchoed, StreamEnds } from './stream-ends.js'

for (const [kind, open] of Object.entries(STREAM_KINDS)) {
  t.test(`over ${kind}`, async (t) => {
    t.test('carries streams and packets beside each other, byte for byte', async (t) => {
      await using ends = new StreamEnds()
      await using streams = await open()
      const { seed, seedTun, shootTun } = ends.join(streams)
      seed.startSending()
      const opened = await Promise.all([ends.open(), ends.open(), ends.open()])
      const echoes = opened.map((stream) => isEchoed(stream, 1_500_000))
      const sent = Array.from({ length: 300 }, (_, i) => udpFrame(Buffer.from(`packet ${i}`)))
      for (const frame of sent) t.ok(seedTun.hostSends(frame))
      const received: Uint8Array[] = []
      await until(() => received.push(...shootTun.takeReceived()) >= sent.length)
      t.same(Buffer.concat(received), Buffer.concat(sent))
      t.same(await Promise.all(echoes), [true, true, true])
      t.ok(seed.counters.toPeer.records >= (3 * 1_500_000) / 16_384, 'what streams send counts for the keys')
    })

    t.test('what a cut takes is sent again by the next lane', async (t) => {
      await using ends = new StreamEnds()
      await using first = await open()
      await using second = await open()
      const { seed, shoot } = ends.join(first)
      const streams = await Promise.all([ends.open(), ends.open()])
      const echoes = streams.map((stream) => isEchoed(stream, 3_000_000))
      await until(() => seed.counters.toPeer.records > 30)
      seed.abort()
      await until(() => shoot.isDown)
      ends.join(second)
      t.same(await Promise.all(echoes), [true, true])
      await until(() => ends.opener.streams === 0 && ends.opener.goneLanes === 0)
    })
  })
}

t.test('a lane that closes in order is left by its streams, which go on over another one', async (t) => {
  await using ends = new StreamEnds()
  await using first = memoryPair()
  await using second = memoryPair()
  const old = ends.join(first)
  const stream = await ends.open()
  const echo = isEchoed(stream, 3_000_000)
  await until(() => old.seed.counters.toPeer.records > 30)
  ends.join(second)
  await old.seed.close('replaced', 'another connection took this lane')
  t.ok(await echo)
})

t.test('nothing of streams is sent before the peer has answered', async (t) => {
  await using ends = new StreamEnds()
  await using streams = memoryPair()
  const types: number[] = []
  let pingId = -1
  const decoder = new FrameDecoder({
    onFrame: (view) => {
      types.push(view.type)
      if (view.type === FRAME_TYPE.PING) pingId = JSON.parse(view.copyPayload().toString()).id
    },
  })
  // Takes the bytes away from the lane that would answer.
  await using nowhere = memoryPair()
  ends.join({ ...streams, far: nowhere.near })
  streams.far.on('data', (chunk: Buffer) => decoder.push(chunk))
  const opened = ends.open()
  opened.catch(() => {})
  await until(() => pingId >= 0)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.same(types, [FRAME_TYPE.PING])
  new FrameStream(streams.far).sendControl({ type: 'PONG', id: pingId })
  await until(() => types.includes(FRAME_TYPE.OPEN))
})

t.test('a lane that carries no streams skips their frames', async (t) => {
  await using streams = memoryPair()
  const { seed, shoot } = joinLanes(streams)
  await until(() => seed.rttMs !== undefined)
  const fin = Buffer.alloc(10)
  writeFin(fin, 0, 1)
  streams.near.write(fin)
  seed.sendGoAway('rotate-age', true)
  await until(() => shoot.isReplacementWanted)
  t.notOk(seed.isDown)
  t.notOk(shoot.isDown)
})

t.test('a frame of a stream that came before the lane was up ends it, as its count is lost', async (t) => {
  await using ends = new StreamEnds()
  await using streams = memoryPair()
  const fin = Buffer.alloc(10)
  writeFin(fin, 0, 1)
  const early = new FrameStream(streams.near)
  streams.far.write(fin)
  await until(() => early.hasSkippedStreamFrames)
  let error: Error | undefined
  const { seed } = ends.join(streams, { onDown: (end) => (error = end.error) }, { frames: early })
  t.ok(seed.isDown)
  t.match(error, { code: 'ERR_FRAME_UNEXPECTED' })
})
