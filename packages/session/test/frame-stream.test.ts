import { once } from 'node:events'
import { encodeControl, FRAME_TYPE } from '@reversed-vpn/protocol'
import { FrameStream } from '@reversed-vpn/session'
import type { FrameStreamHandler } from '@reversed-vpn/session/testing'
import t from 'tap'
import { memoryPair } from './fixtures.js'

t.test('a peer that breaks the framing right behind its first message is told and cut off', async (t) => {
  await using streams = memoryPair()
  const frames = new FrameStream(streams.near)
  const answers: Buffer[] = []
  streams.far.on('data', (chunk: Buffer) => answers.push(chunk))
  const ping = encodeControl({ type: 'PING', id: 1 })
  // In one piece: the second frame is looked at before anyone can have taken the first.
  streams.far.write(Buffer.concat([ping, Buffer.from([FRAME_TYPE.HELLO, 0xff, 0xff, 0xff])]))
  t.match(await frames.nextControl(new AbortController().signal), { type: 'PING', id: 1 })

  const closes: (Error | undefined)[] = []
  const handler: FrameStreamHandler = {
    onControl: () => {},
    onData: () => {},
    onStreamFrame: () => {},
    onChunkEnd: () => {},
    onClose: (error) => closes.push(error),
  }
  frames.setHandler(handler)
  await once(streams.far, 'end')

  t.match(closes, [{ code: 'ERR_FRAME_TOO_LARGE' }], 'its receiver knows')
  t.equal(closes.length, 1)
  t.equal(Buffer.concat(answers)[0], FRAME_TYPE.CLOSE)
  t.match(Buffer.concat(answers).toString(), 'frame-too-large')
})
