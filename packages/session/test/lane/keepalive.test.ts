import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import { FrameStream, Lane } from '@reversed-vpn/session'
import t from 'tap'
import { checkers, memoryPair, until } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

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
          onSilenceChange: () => {},
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
    { keepaliveMs: 100, deadAfterMs: 1000 },
  )
  await until(() => Date.now() - shoot.openedAtMs > 2200)
  t.equal(isDown, false)
  await shoot.close('going-away', 'test over')
})
