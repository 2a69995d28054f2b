import type { TunnelStream } from '@reversed-vpn/streams/testing'
import t from 'tap'
import { credit, open, received } from './peer/frames.js'
import { type RawPeer, Stage } from './peer/raw-peer.js'

const BATCH_BYTES = 131_072
const MIB = 1_048_576

/** Streams of an acceptor that may send as much as any window lets them. */
async function senders(count: number) {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  for (let id = 1; id <= count; id++) peer.say(open(id, 16 * MIB))
  const streams = stage.incoming.map((incoming) => incoming.accept('10.0.0.1') as TunnelStream)
  peer.say(received((await peer.hear()).length))
  return { stage, peer, streams }
}

/** Writes without end, in chunks of one size. */
function pour(stream: TunnelStream, chunkBytes: number): void {
  const chunk = Buffer.alloc(chunkBytes)
  const write = () => {
    while (stream.write(chunk));
  }
  stream.on('drain', write)
  write()
}

/** What each stream has sent of the next so many bytes of data, all acknowledged and granted again. */
async function shares(peer: RawPeer, count: number, totalBytes: number): Promise<number[]> {
  const bytes = new Array<number>(count).fill(0)
  for (let sum = 0; sum < totalBytes; ) {
    const granted = new Map<number, number>()
    for (const { name, id, value } of await peer.hearChunk()) {
      if (name !== 'STREAM_DATA') continue
      bytes[id - 1] = (bytes[id - 1] ?? 0) + value
      granted.set(id, (granted.get(id) ?? 0) + value)
      sum += value
    }
    peer.say(received(peer.heardFrames), ...[...granted].map(([id, value]) => credit(id, value)))
  }
  return bytes
}

t.test('equal bulk streams share a lane evenly, whatever the size of their chunks', async (t) => {
  const sizes = [1000, 5000, 16_384, 17_000, 65_536, 300_000]
  const { peer, streams } = await senders(sizes.length)
  for (const [index, stream] of streams.entries()) pour(stream, sizes[index] as number)
  await shares(peer, sizes.length, 2 * MIB)
  const bytes = await shares(peer, sizes.length, 24 * MIB)
  const mean = bytes.reduce((sum, one) => sum + one) / bytes.length
  for (const [index, one] of bytes.entries())
    t.ok(Math.abs(one - mean) < mean * 0.03, `chunks of ${sizes[index]} B: ${one} B, ${mean} B on average`)
})

t.test('a small stream waits for no more than what the lane has already', async (t) => {
  const { peer, streams } = await senders(9)
  const small = streams.pop() as TunnelStream
  for (const stream of streams) pour(stream, 100_000)
  await shares(peer, 9, 4 * MIB)
  await peer.settle()
  const queued = peer.end.outgoingBytes
  t.ok(queued > 0 && queued <= BATCH_BYTES + 16_394, `${queued} B are queued`)
  small.write(Buffer.alloc(100))
  const heard = [...(await peer.hearChunk()), ...(await peer.hearChunk())]
  const place = heard.findIndex(({ id }) => id === 9)
  const before = heard.slice(0, place).reduce((sum, { value }) => sum + value, 0)
  t.ok(place >= 0 && before <= queued, `behind ${before} B`)
})

t.test(
  'a stream that begins waits for no round of the others, however little each of those gets',
  async (t) => {
    const count = 62
    const { stage, peer, streams } = await senders(count + 1)
    const small = streams.pop() as TunnelStream
    for (const stream of streams) pour(stream, 65_536)
    for (let time = 0; time <= 3; time++) {
      let before = 0
      for (let isHeard = false; !isHeard && before < 8 * MIB; ) {
        const heard = (await peer.hearChunk()).filter(({ name }) => name === 'STREAM_DATA')
        isHeard = heard.some(({ id }) => id === count + 1)
        if (!isHeard) before += heard.reduce((sum, { value }) => sum + value, 0)
        peer.say(received(peer.heardFrames), ...heard.map(({ id, value }) => credit(id, value)))
        stage.clock.advance(10)
      }
      if (time > 0) t.ok(before <= 2 * BATCH_BYTES, `behind ${before} B, time ${time}`)
      small.write(Buffer.alloc(1000))
    }
  },
)

t.test('frames without data go before bulk', async (t) => {
  const { stage, peer, streams } = await senders(2)
  for (const stream of streams) pour(stream, 100_000)
  await shares(peer, 2, 2 * MIB)
  peer.say(open(3))
  stage.incoming[2]?.refuse('refused', '')
  await peer.settle()
  const heard = [...(await peer.hearChunk()), ...(await peer.hearChunk())]
  const before = heard.slice(
    0,
    heard.findIndex(({ name }) => name === 'REFUSED'),
  )
  t.ok(before.reduce((sum, { value }) => sum + value, 0) <= BATCH_BYTES + 16_384)
})

t.test('a bulk stream that pauses counts as small again', async (t) => {
  const { stage, peer, streams } = await senders(2)
  const [first, second] = streams as [TunnelStream, TunnelStream]
  first.write(Buffer.alloc(200_000))
  pour(second, 100_000)
  await shares(peer, 2, 4 * MIB)
  stage.clock.advance(10_000)
  await shares(peer, 2, 2 * MIB)
  first.write(Buffer.alloc(100))
  await peer.settle()
  const heard = [...(await peer.hearChunk()), ...(await peer.hearChunk())]
  const place = heard.findIndex(({ id, name }) => id === 1 && name === 'STREAM_DATA')
  t.ok(place >= 0 && heard.slice(0, place).reduce((sum, { value }) => sum + value, 0) <= BATCH_BYTES + 16_384)
})
