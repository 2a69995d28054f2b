import { setImmediate as turn } from 'node:timers/promises'
import type { TunnelStream } from '@reversed-vpn/streams/testing'
import t, { type Test } from 'tap'
import { credit, data, fin, open, opened, refused, WINDOW_BYTES } from './frames.js'
import { type RawPeer, Stage } from './raw-peer.js'

const REQUEST = { host: 'node-1', port: 443, isName: true }
const FLOW_CONTROL = 4
const STREAM_PROTOCOL = 5

/** A stream of an acceptor that is open, with what was said of it already heard. */
async function acceptedStream() {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  peer.say(open(1), open(2))
  const [stream, other] = stage.incoming.map((incoming) => incoming.accept('10.0.0.1')) as TunnelStream[]
  await peer.hear()
  return { stage, peer, stream: stream as TunnelStream, other: other as TunnelStream }
}

async function dialledStream() {
  const stage = new Stage('opener')
  const peer = stage.lane(1)
  const opening = stage.multiplexer.open(REQUEST, { signal: new AbortController().signal })
  await peer.hear()
  peer.say(opened(1))
  return { stage, peer, stream: await opening }
}

async function judge(t: Test, stage: Stage, peer: RawPeer, stream: TunnelStream, code: number) {
  const reason = code === FLOW_CONTROL ? 'flow-control' : 'stream-protocol'
  t.match(await peer.hear(), [{ name: 'RESET', id: 1, value: code }])
  t.match(stream.errored, { code: 'ERR_STREAM_RESET', reason, isOfPeer: false })
  t.equal(stage.multiplexer.snapshot().ended.get(reason), 1)
  t.equal(peer.end.failure, undefined, 'the lane goes on')
}

t.test('data beyond the window resets its stream, and no other', async (t) => {
  const { stage, peer, stream, other } = await acceptedStream()
  for (let sent = 0; sent < 262_144; sent += 16_384) peer.say(data(1, 16_384))
  t.equal(stream.errored, null)
  t.equal(stage.multiplexer.snapshot().heldBytes, 262_144)
  peer.say(data(1, 1))
  await judge(t, stage, peer, stream, FLOW_CONTROL)
  peer.say(data(2, 3))
  t.equal((other.read() as Buffer).length, 3)
  t.equal(stage.multiplexer.snapshot().heldBytes, 0)
})

t.test('credit above what any window may be resets its stream', async (t) => {
  const { stage, peer, stream } = await acceptedStream()
  peer.say(credit(1, 16_777_216 - WINDOW_BYTES))
  t.equal(stream.errored, null)
  peer.say(credit(1, 1))
  await judge(t, stage, peer, stream, FLOW_CONTROL)
})

for (const [what, frame] of Object.entries({ data: data(1, 1), 'another FIN': fin(1) })) {
  t.test(`${what} after FIN resets its stream`, async (t) => {
    const { stage, peer, stream } = await acceptedStream()
    peer.say(fin(1), frame)
    await judge(t, stage, peer, stream, STREAM_PROTOCOL)
  })

  t.test(`${what} before OPENED resets its stream, and who dials hears of it`, async (t) => {
    const stage = new Stage('acceptor')
    const peer = stage.lane(1)
    peer.say(open(1), frame)
    t.match(await peer.hear(), [{ name: 'RESET', id: 1, value: STREAM_PROTOCOL }])
    t.ok(stage.incoming[0]?.signal.aborted)
    t.equal(stage.incoming[0]?.accept('10.0.0.1'), undefined)
    t.match(stage.multiplexer.snapshot(), { open: 0, opening: 0, abandoned: 1 })
    t.equal(peer.end.failure, undefined)
  })
}

for (const [what, frame] of Object.entries({
  'OPENED twice': opened(1),
  'REFUSED after OPENED': refused(1),
})) {
  t.test(`${what} resets the stream`, async (t) => {
    const { stage, peer, stream } = await dialledStream()
    peer.say(frame)
    await judge(t, stage, peer, stream, STREAM_PROTOCOL)
  })
}

t.test('data before OPENED has the opening fail', async (t) => {
  const stage = new Stage('opener')
  const peer = stage.lane(1)
  const opening = stage.multiplexer.open(REQUEST, { signal: new AbortController().signal })
  await peer.hear()
  peer.say(data(1, 1))
  await t.rejects(opening, { code: 'ERR_STREAM_RESET', reason: 'stream-protocol', isOfPeer: false })
  t.equal(peer.end.failure, undefined)
})

t.test('a stream that was reset here ignores what the peer had sent before it knew', async (t) => {
  const { stage, peer, stream } = await acceptedStream()
  stream.destroy()
  await turn()
  peer.say(data(1, 100), credit(1, 5), fin(1))
  t.match(await peer.hear(), [{ name: 'RESET', id: 1, value: 1 }])
  t.equal(peer.end.failure, undefined)
  t.match(stage.multiplexer.snapshot(), { open: 1, heldBytes: 0 })
})
