import { setImmediate as turn } from 'node:timers/promises'
import type { TunnelStream } from '@reversed-vpn/streams/testing'
import t from 'tap'
import { credit, data, fin, open, received, reset, resume } from './frames.js'
import { Stage } from './raw-peer.js'

const MAX_STREAMS = 16_384
const PROTOCOL_ERROR = { code: 'ERR_STREAM_FRAME_INVALID', closeCode: 'protocol-error' }

t.test(
  'a peer that opens without end is refused, and when it does not read the refusals its lane ends',
  async (t) => {
    const stage = new Stage('acceptor', { maxStreams: 8, maxOpening: 4 })
    const peer = stage.lane(1)
    let id = 0
    while (peer.end.failure === undefined && id < 3 * MAX_STREAMS) peer.say(open(++id))
    t.match(peer.end.failure, { ...PROTOCOL_ERROR, message: /^OPEN with 16392 streams/ })
    t.equal(stage.incoming.length, 4)
    t.equal(stage.multiplexer.snapshot().opening, 4)
    t.ok(stage.budget.promisedBytes <= 4 * 262_144, 'what is refused holds no window')
  },
)

t.test('a peer that opens without end and reads the refusals costs nothing', async (t) => {
  const stage = new Stage('acceptor', { maxStreams: 8, maxOpening: 4 })
  const peer = stage.lane(1)
  let frames = 0
  for (let id = 1; id <= 2000; id++) {
    peer.say(open(id))
    if (id % 100 > 0) continue
    frames += (await peer.hear()).length
    peer.say(received(frames))
  }
  t.equal(frames, 1996)
  t.equal(peer.end.failure, undefined)
  t.match(stage.multiplexer.snapshot(), { opening: 4, keptBytes: 0 })
  t.equal(stage.multiplexer.streams, 4)
  t.equal(stage.multiplexer.snapshot().refused.get('too-many-connections'), 1996)
})

t.test('a peer that opens and resets without end, and never acknowledges, has its lane ended', async (t) => {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  let id = 0
  while (peer.end.failure === undefined && id < 8 * MAX_STREAMS) {
    for (let turns = 0; turns < 2000; turns++) {
      id++
      peer.say(open(id), reset(id))
    }
    await peer.hear()
    t.ok(stage.multiplexer.streams <= MAX_STREAMS + 64)
    t.ok((peer.end.link?.keptFrames ?? 0) <= 65_536)
  }
  t.match(peer.end.failure, PROTOCOL_ERROR)
  t.equal(stage.budget.promisedBytes, 0)
})

t.test('frames that say nothing new cost nothing', async (t) => {
  const stage = new Stage('acceptor')
  const [lost, peer] = [stage.lane(1), stage.lane(2)]
  lost.end.goDown()
  peer.say(resume(1, 0), open(1), reset(1))
  await peer.hear()
  for (let turns = 0; turns < 10_000; turns++) peer.say(received(0), resume(1, 0), credit(1, 1), reset(1))
  t.equal(peer.end.failure, undefined)
  t.equal(stage.multiplexer.streams, 0)
  t.ok(stage.multiplexer.snapshot().keptBytes < 100)
  t.ok(stage.clock.timers <= 1, 'but the wait for the next acknowledgement')
})

t.test('single bytes hold no more than their window', async (t) => {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  peer.say(open(1))
  const stream = stage.incoming[0]?.accept('10.0.0.1') as TunnelStream
  const bytes = Buffer.concat(new Array<Buffer>(16_384).fill(data(1, 1)))
  for (let turns = 0; turns < 16; turns++) peer.say(bytes)
  t.equal(stage.multiplexer.snapshot().heldBytes, 262_144)
  peer.say(data(1, 1))
  t.match(stream.errored, { reason: 'flow-control' })
})

t.test(
  'a peer that never acknowledges is sent no more than any lane may keep, and the writer waits',
  async (t) => {
    const stage = new Stage('acceptor')
    const peer = stage.lane(1)
    peer.say(open(1, 16_777_216))
    const stream = stage.incoming[0]?.accept('10.0.0.1') as TunnelStream
    const chunk = Buffer.alloc(1_048_576)
    let sent = 0
    for (let turns = 0; turns < 64; turns++) {
      if (!stream.writableNeedDrain) stream.write(chunk)
      const heard = (await peer.hear()).reduce(
        (sum, frame) => sum + (frame.name === 'STREAM_DATA' ? frame.value : 0),
        0,
      )
      if (heard > 0) peer.say(credit(1, heard))
      sent += heard
    }
    t.ok(sent >= 500_000 && sent <= 524_288 + 16_384, `${sent} B`)
    t.ok(stream.writableNeedDrain)
    t.ok(stage.multiplexer.snapshot().keptBytes <= 524_288 + 16_394)
  },
)

t.test(
  'a peer that grants no credit is sent its window and nothing more, and the end only after that',
  async (t) => {
    const stage = new Stage('acceptor')
    const peer = stage.lane(1)
    peer.say(open(1, 1000))
    const stream = stage.incoming[0]?.accept('10.0.0.1') as TunnelStream
    t.equal(stream.write(Buffer.alloc(100_000)), false)
    stream.end()
    t.match(await peer.hear(), [{ name: 'OPENED' }, { name: 'STREAM_DATA', value: 1000 }])
    t.strictSame(await peer.hear(), [])
    t.equal(stream.writableLength, 100_000, 'it is taken all or not')
    peer.say(credit(1, 99_000))
    t.equal((await peer.hear()).at(-1)?.name, 'FIN')
  },
)

t.test('a peer that resumes lanes without end and does not read has its lane ended', async (t) => {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  let number = 1
  while (peer.end.failure === undefined && number < 100_000) peer.say(resume(++number, 0))
  t.match(peer.end.failure, { ...PROTOCOL_ERROR, message: /answers wait to be sent$/ })
  await turn()
})

t.test('a peer whose lanes are lost one after the other and never resumed gets no more lanes', async (t) => {
  const stage = new Stage('acceptor')
  for (let number = 1; number <= 1024; number++) stage.lane(number).end.goDown()
  t.throws(() => stage.lane(1025), { ...PROTOCOL_ERROR, message: '1024 lanes were not resumed' })
})

t.test('a peer that leaves many frames of lost lanes unresumed gets no more lanes', async (t) => {
  const stage = new Stage('acceptor', { maxStreams: 0 })
  let [id, lanes] = [0, 0]
  const addLane = async () => {
    const peer = stage.lane(++lanes)
    peer.say(...Array.from({ length: 7000 }, () => open(++id)))
    await peer.hear()
    peer.end.goDown()
  }
  const addMany = async () => {
    while (lanes < 64) await addLane()
  }
  await t.rejects(addMany, {
    ...PROTOCOL_ERROR,
    message: /^26\d{4} frames of lanes that were not resumed/,
  })
  t.ok(lanes >= 262_144 / 7000, `${lanes} lanes`)
})

t.test('a peer that ends both ways leaves nothing once its bytes are read', async (t) => {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  peer.say(open(1), data(1, 5), fin(1))
  t.match(await peer.hear(), [{ name: 'RESET', id: 1 }], 'since it did not wait for OPENED')
  peer.say(open(2))
  const stream = stage.incoming[1]?.accept('10.0.0.1') as TunnelStream
  peer.say(data(2, 5), fin(2))
  stream.end()
  await peer.hear()
  t.match(stage.multiplexer.snapshot(), { open: 0, heldBytes: 5 })
  t.equal(stage.budget.promisedBytes, 5)
  t.equal((stream.read() as Buffer).length, 5)
  await turn()
  t.equal(stage.budget.promisedBytes, 0)
})
