import { once } from 'node:events'
import { FrameStream } from '@reversed-vpn/session'
import t from 'tap'
import { memoryPair, STREAM_KINDS } from './fixtures.js'

function ping(id: number): Buffer {
  const payload = Buffer.from(JSON.stringify({ id }))
  return Buffer.concat([Buffer.from([4, 0, 0, payload.length]), payload])
}

t.test('chunks that were queued before come first, and all in order', async (t) => {
  await using streams = memoryPair()
  streams.near.write(ping(1))
  await once(streams.far, 'readable')
  streams.near.write(ping(2))
  const frames = new FrameStream(streams.far)
  streams.near.write(ping(3))
  const ids: number[] = []
  const done = new Promise<void>((resolve) => {
    frames.setHandler({
      onControl: (message) => {
        if (message.type === 'PING') ids.push(message.id)
      },
      onData: () => {},
      onChunkEnd: () => {},
      onClose: () => resolve(),
    })
  })
  for (let id = 4; id <= 50; id++) streams.near.write(ping(id))
  streams.near.end()
  await done
  t.same(
    ids,
    Array.from({ length: 50 }, (_, index) => index + 1),
  )
})

for (const [kind, open] of Object.entries(STREAM_KINDS)) {
  t.test(`the end of a stream over ${kind} is still seen`, async (t) => {
    await using streams = await open()
    const frames = new FrameStream(streams.far)
    const closed = new Promise<Error | undefined>((resolve) => {
      frames.setHandler({
        onControl: () => {},
        onData: () => {},
        onChunkEnd: () => {},
        onClose: resolve,
      })
    })
    streams.near.write(ping(1))
    streams.near.end()
    t.equal(await closed, undefined)
  })
}
