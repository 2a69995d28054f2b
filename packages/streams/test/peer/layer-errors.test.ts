import t from 'tap'
import * as frames from './frames.js'
import { Stage } from './raw-peer.js'

interface Breach {
  readonly role: 'opener' | 'acceptor'
  readonly says: readonly Buffer[]
  readonly message: RegExp
}

const { open, opened, refused, data, credit, fin, reset, received, resume, hex } = frames

const BREACHES: Record<string, Breach> = {
  'acknowledges frames that were never sent': {
    role: 'acceptor',
    says: [received(1)],
    message: /^1 frames acknowledged, of 0 sent and 0 acknowledged before$/,
  },
  'resumes a lane that never was': {
    role: 'acceptor',
    says: [resume(2, 1)],
    message: /^RESUME of lane 2 with 1 frames, which is not there$/,
  },
  'resumes a lane whose number was never given': {
    role: 'opener',
    says: [resume(2, 0)],
    message: /^RESUME of lane 2 with 0 frames/,
  },
  'resumes a lane far beyond those that may be unknown': {
    role: 'acceptor',
    says: [resume(1028, 0)],
    message: /^RESUME of lane 1028/,
  },
  'opens an id twice': {
    role: 'acceptor',
    says: [open(1), open(1)],
    message: /^OPEN of stream 1, which is used$/,
  },
  'opens an id that has ended': {
    role: 'acceptor',
    says: [open(1), reset(1), open(1)],
    message: /^OPEN of stream 1, which is used$/,
  },
  'leaves more ids out than may be missing': {
    role: 'acceptor',
    says: [open(16_386)],
    message: /^OPEN of stream 16386, which is too-far$/,
  },
  'opens from the side that accepts': {
    role: 'opener',
    says: [open(1)],
    message: /^OPEN from the side that accepts$/,
  },
  'answers from the side that opens': {
    role: 'acceptor',
    says: [open(1), opened(1)],
    message: /^an answer from the side that opens$/,
  },
  'refuses from the side that opens': {
    role: 'acceptor',
    says: [open(1), refused(1)],
    message: /^an answer from the side that opens$/,
  },
  'answers what was not asked': {
    role: 'opener',
    says: [opened(1)],
    message: /^frame of type 65 for stream 1/,
  },
  'sends data for an id that was not opened': {
    role: 'acceptor',
    says: [data(1, 1)],
    message: /^frame of type 67 for stream 1, which is not open$/,
  },
  'sends credit for an id that was not opened': {
    role: 'acceptor',
    says: [credit(1, 1)],
    message: /^frame of type 68 for stream 1, which is not open$/,
  },
  'ends an id that was not opened': {
    role: 'opener',
    says: [fin(1)],
    message: /^frame of type 69 for stream 1, which is not open$/,
  },
  'resets an id that was not opened': {
    role: 'opener',
    says: [reset(1)],
    message: /^frame of type 70 for stream 1, which is not open$/,
  },
  'sends data for an id that it has reset': {
    role: 'acceptor',
    says: [open(1), reset(1), data(1, 1)],
    message: /^frame of type 67 for stream 1, which has ended$/,
  },
  'grants no bytes': {
    role: 'acceptor',
    says: [open(1), hex('44 00000a 000000000001 00000000')],
    message: /0/,
  },
  'grants more than any window': {
    role: 'acceptor',
    says: [open(1), hex('44 00000a 000000000001 01000001')],
    message: /16777217/,
  },
  'opens without a window': {
    role: 'acceptor',
    says: [hex('40 000013 000000000001 00000000 01 01bb 6e6f64652d31')],
    message: /0/,
  },
  'opens stream 0': { role: 'acceptor', says: [open(0)], message: /for 0$/ },
  'opens port 0': {
    role: 'acceptor',
    says: [hex('40 000013 000000000001 00040000 01 0000 6e6f64652d31')],
    message: /port/,
  },
  'opens with flags that are not defined': {
    role: 'acceptor',
    says: [hex('40 000013 000000000001 00040000 03 01bb 6e6f64652d31')],
    message: /flags|3/,
  },
  'opens an address in another than its canonical text': {
    role: 'acceptor',
    says: [hex('40 000016 000000000001 00040000 00 01bb 3031302e302e302e31')],
    message: /./,
  },
  'resets for a reason that is not defined': {
    role: 'acceptor',
    says: [open(1), hex('46 000007 000000000001 0a')],
    message: /10/,
  },
}

for (const [what, { role, says, message }] of Object.entries(BREACHES)) {
  t.test(`a peer that ${what} has its lane ended, and no more than that`, async (t) => {
    const stage = new Stage(role)
    const [bad, good] = [stage.lane(1), stage.lane(3)]
    bad.say(...says)
    t.match(bad.end.failure, {
      code: /^ERR_(STREAM_FRAME_INVALID|FRAME_TOO_SHORT)$/,
      message,
      closeCode: 'protocol-error',
    })
    bad.say(...says)
    t.equal(good.end.failure, undefined)
    t.equal(stage.endings, 0)
    t.ok(stage.multiplexer.snapshot().keptBytes < 1000)
  })
}

t.test('a peer that acknowledges less than before has its lane ended', async (t) => {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  peer.say(open(1), open(2))
  for (const incoming of stage.incoming) incoming.refuse('refused', '')
  t.equal((await peer.hear()).length, 2)
  peer.say(received(2), received(2))
  t.equal(peer.end.failure, undefined)
  peer.say(received(1))
  t.match(peer.end.failure, { message: /^1 frames acknowledged, of 2 sent and 2 acknowledged before$/ })
})

t.test(
  'a peer that resumes a lane for more frames than it was sent has the lane that says so ended',
  async (t) => {
    const stage = new Stage('acceptor')
    const [lost, other] = [stage.lane(1), stage.lane(2)]
    lost.end.goDown()
    other.say(resume(1, 1))
    t.match(other.end.failure, { code: 'ERR_STREAM_FRAME_INVALID', closeCode: 'protocol-error' })
  },
)

t.test('a RESUME for a lane that is up cuts it and is answered', async (t) => {
  const stage = new Stage('acceptor')
  const [cut, other] = [stage.lane(1), stage.lane(2)]
  cut.say(open(1))
  other.say(resume(1, 0))
  t.match(cut.end.failure, { code: 'ERR_PEER_CLOSED', message: 'the peer has lost lane 1' })
  t.match(await other.hear(), [{ name: 'RESUME', id: 1, value: 1 }])
  t.equal(stage.multiplexer.goneLanes, 0)
})

t.test('a RESUME that comes again, with whatever number, does nothing', async (t) => {
  const stage = new Stage('acceptor')
  const [lost, other] = [stage.lane(1), stage.lane(2)]
  lost.end.goDown()
  other.say(resume(1, 0), resume(1, 0), resume(1, 7))
  t.match(await other.hear(), [{ name: 'RESUME', id: 1, value: 0 }])
  t.equal(other.end.failure, undefined)
})

t.test(
  'a RESUME for a lane whose WELCOME never came is answered, and the lane is not taken any more',
  async (t) => {
    const stage = new Stage('acceptor')
    const other = stage.lane(2)
    other.say(resume(1, 0))
    t.match(await other.hear(), [{ name: 'RESUME', id: 1, value: 0 }])
    t.throws(() => stage.lane(1), { code: 'ERR_STREAM_FRAME_INVALID', message: 'lane 1 was used' })
  },
)

t.test('credit and RESET for a stream that has ended may have crossed its end', async (t) => {
  const stage = new Stage('acceptor')
  const peer = stage.lane(1)
  peer.say(open(1), reset(1), credit(1, 5), reset(1))
  t.match(await peer.hear(), [{ name: 'RESET', id: 1, value: 1 }])
  peer.say(credit(1, 5), reset(1))
  t.equal(peer.end.failure, undefined)
  t.strictSame(await peer.hear(), [])
})
