import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { TunnelStream } from '@reversed-vpn/streams/testing'
import t from 'tap'
import { credit, data, fin, open, opened, received, refused, reset, resume } from './peer/frames.js'
import { Stage } from './peer/raw-peer.js'

const REQUEST = { host: 'node-1', port: 443, isName: true }
const HOLD_MS = 30_000
const never = () => new AbortController().signal

async function accepted(windowBytes?: number) {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  peer.say(open(1, windowBytes))
  const stream = stage.incoming[0]?.accept('10.0.0.1') as TunnelStream
  await peer.hear()
  return { stage, peer, stream }
}

t.test('streams go on when a lane comes within the hold time', async (t) => {
  const { stage, peer, stream } = await accepted()
  peer.end.goDown()
  stage.clock.advance(HOLD_MS - 1)
  stream.write('after')
  const next = stage.lane(2)
  stage.clock.advance(HOLD_MS)
  t.match(await next.hear(), [{ name: 'RESUME', id: 1, value: 1 }], 'and wait for what the peer has got')
  next.say(resume(1, 1))
  t.match(await next.hear(), [{ name: 'STREAM_DATA', id: 1, value: 5 }])
  t.equal(stream.errored, null)
})

t.test(
  'without a lane for the hold time all streams are reset with a reason, and none can be opened',
  async (t) => {
    const stage = new Stage('opener')
    const peer = stage.lane(1)
    const [first, second] = [1, 2].map(() => stage.multiplexer.open(REQUEST, { signal: never() }))
    await peer.hear()
    peer.say(opened(1))
    const stream = (await first) as TunnelStream
    peer.end.goDown()
    const failed = t.rejects(second as Promise<unknown>, { code: 'ERR_STREAM_RESET', reason: 'lanes-lost' })
    stage.clock.advance(HOLD_MS - 1)
    t.equal(stage.endings, 0)
    stage.clock.advance(1)
    await failed
    t.match(stream.errored, { code: 'ERR_STREAM_RESET', reason: 'lanes-lost', isOfPeer: false })
    t.equal(stage.endings, 1)
    t.match(stage.multiplexer.snapshot(), { open: 0, opening: 0, abandoned: 1, keptBytes: 0 })
    t.equal(stage.multiplexer.snapshot().ended.get('lanes-lost'), 1)
    t.equal(stage.budget.promisedBytes, 0)
    t.throws(() => stage.lane(2), { code: 'ERR_PEER_CLOSED' })
    await t.rejects(stage.multiplexer.open(REQUEST, { signal: never() }), {
      code: 'ERR_STREAM_REFUSED',
      reason: 'shutting-down',
      isOfPeer: false,
    })
  },
)

t.test('closing twice, and lanes that end meanwhile, are nothing more', async (t) => {
  const { stage, peer } = await accepted()
  stage.multiplexer.close('shutting-down')
  stage.multiplexer.close('internal')
  peer.end.goDown()
  t.match(peer.end.failure, { reason: 'shutting-down' })
  t.equal(stage.endings, 1)
  t.equal(stage.clock.timers, 0)
})

t.test('an opening that is given up before it was sent is never heard of', async (t) => {
  const stage = new Stage('opener')
  const cancel = new AbortController()
  const opening = stage.multiplexer.open(REQUEST, { signal: cancel.signal })
  cancel.abort(new Error('no longer wanted'))
  await t.rejects(opening, { message: 'no longer wanted' })
  const other = stage.multiplexer.open(REQUEST, { signal: never() })
  const peer = stage.lane(1)
  t.match(await peer.hear(), [{ name: 'OPEN', id: 1 }])
  peer.say(refused(1, 'no-address'))
  await t.rejects(other, { code: 'ERR_STREAM_REFUSED', reason: 'no-address', isOfPeer: true })
  t.match(stage.multiplexer.snapshot(), { opening: 0, opened: 0, abandoned: 1 })
})

t.test('an opening that is given up once it was sent is reset, whatever the answer', async (t) => {
  for (const answer of [opened(1), refused(1), reset(1)]) {
    const stage = new Stage('opener')
    const peer = stage.lane(1)
    const cancel = new AbortController()
    const opening = stage.multiplexer.open(REQUEST, { signal: cancel.signal })
    await peer.hear()
    cancel.abort(new Error('no longer wanted'))
    await t.rejects(opening, { message: 'no longer wanted' })
    t.match(await peer.hear(), [{ name: 'RESET', id: 1, value: 1 }])
    peer.say(answer)
    if (answer[0] === 65) peer.say(reset(1))
    t.equal(peer.end.failure, undefined)
    t.equal(stage.multiplexer.streams, 0)
  }
})

t.test('a signal that has aborted already opens nothing', async (t) => {
  const stage = new Stage('opener')
  const signal = AbortSignal.abort(new Error('too late'))
  await t.rejects(stage.multiplexer.open(REQUEST, { signal }), { message: 'too late' })
  t.equal(stage.multiplexer.streams, 0)
})

t.test('an opener has no more streams than its limit, until one has ended', async (t) => {
  const stage = new Stage('opener', { maxStreams: 1 })
  const peer = stage.lane(1)
  const first = stage.multiplexer.open(REQUEST, { signal: never() })
  await peer.hear()
  await t.rejects(stage.multiplexer.open(REQUEST, { signal: never() }), {
    code: 'ERR_STREAM_REFUSED',
    reason: 'too-many-connections',
  })
  peer.say(refused(1))
  await t.rejects(first, { code: 'ERR_STREAM_REFUSED', reason: 'refused' })
  const next = stage.multiplexer.open(REQUEST, { signal: never() })
  t.match(await peer.hear(), [{ name: 'OPEN', id: 2 }])
  peer.say(opened(2))
  t.equal((await next).address, '10.0.0.1')
})

t.test('an opener that leaves has the signal of what it asked for abort', async (t) => {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  peer.say(open(1), open(2))
  const [early, late] = stage.incoming
  const aborted = once(early?.signal as AbortSignal, 'abort')
  peer.say(reset(1), reset(2))
  await aborted
  t.ok(late?.signal.aborted, 'also for who asks later')
  t.equal(early?.accept('10.0.0.1'), undefined)
  early?.refuse('refused', '')
  t.match(await peer.hear(), [
    { name: 'RESET', id: 1 },
    { name: 'RESET', id: 2 },
  ])
})

t.test('write says false while there is no window, and drain follows credit', async (t) => {
  const { peer, stream } = await accepted(1000)
  t.equal(stream.write(Buffer.alloc(70_000)), false)
  t.match(await peer.hear(), [{ name: 'STREAM_DATA', value: 1000 }])
  const drained = once(stream, 'drain')
  t.ok(stream.writableNeedDrain)
  peer.say(credit(1, 100_000))
  await peer.hear()
  await drained
  t.equal(stream.writableLength, 0)
})

t.test('a tail behind FIN arrives over another lane, and the other direction goes on', async (t) => {
  const { stage, peer, stream } = await accepted()
  stream.write(Buffer.alloc(30_000))
  stream.end()
  t.match(
    (await peer.hear()).map(({ name }) => name),
    ['STREAM_DATA', 'STREAM_DATA', 'FIN'],
  )
  peer.say(received(2))
  peer.end.goDown()
  const next = stage.lane(2)
  await next.hear()
  next.say(resume(1, 2))
  t.match(await next.hear(), [
    { name: 'STREAM_DATA', value: 13_616 },
    { name: 'FIN', id: 1 },
  ])
  t.equal(stage.multiplexer.snapshot().resentFrames, 2)
  next.say(data(1, 7), fin(1))
  t.equal((stream.read() as Buffer).length, 7)
  stream.resume()
  await once(stream, 'close')
  t.equal(stream.errored, null)
  next.say(received(3))
  t.match(stage.multiplexer.snapshot(), { open: 0, keptBytes: 0, sentBytes: 30_000, receivedBytes: 7 })
  t.equal(stage.multiplexer.snapshot().ended.get('finished'), 1)
})

t.test('destroy drops what was not sent, and says so once', async (t) => {
  const { stage, peer, stream } = await accepted(1000)
  stream.write(Buffer.alloc(70_000))
  await peer.hear()
  stream.destroy()
  stream.destroy()
  await turn()
  peer.say(credit(1, 69_000))
  t.match(await peer.hear(), [{ name: 'RESET', id: 1, value: 1 }])
  peer.say(reset(1))
  t.equal(stage.multiplexer.streams, 0)
  t.equal(stage.multiplexer.snapshot().ended.get('cancelled'), 1)
})

t.test('a RESET of the peer destroys the stream with its reason, and is answered', async (t) => {
  const { stage, peer, stream } = await accepted()
  peer.say(data(1, 100), reset(1, 'connection-broke'))
  t.match(stream.errored, { code: 'ERR_STREAM_RESET', reason: 'connection-broke', isOfPeer: true })
  t.match(await peer.hear(), [{ name: 'RESET', id: 1, value: 2 }])
  t.match(stage.multiplexer.snapshot(), { open: 0, heldBytes: 0 })
  t.equal(stage.budget.promisedBytes, 0)
})

t.test(
  "what waits beyond the peer's credit is seen, and the largest window, until the streams end",
  async (t) => {
    const { stage, peer, stream } = await accepted(1000)
    const { multiplexer } = stage
    t.same([multiplexer.lanes, multiplexer.waitingBytes], [1, 0])
    t.equal(multiplexer.largestWindowBytes, stage.budget.promisedBytes, 'the window of the only stream')
    t.ok(multiplexer.largestWindowBytes > 0)
    stream.write(Buffer.alloc(3000))
    await peer.hear()
    t.equal(multiplexer.waitingBytes, 2000)
    peer.say(credit(1, 1500))
    await peer.hear()
    t.equal(multiplexer.waitingBytes, 500)
    peer.end.goDown()
    t.same([multiplexer.lanes, multiplexer.goneLanes], [0, 1])
    multiplexer.close('shutting-down')
    t.same([multiplexer.waitingBytes, multiplexer.largestWindowBytes], [0, 0])
  },
)
