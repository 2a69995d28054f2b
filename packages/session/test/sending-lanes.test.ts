import { DROP_REASONS, FRAME_HEADER_BYTES, FRAME_TYPE, writeFrameHeader } from '@reversed-vpn/protocol'
import type { StreamLane } from '@reversed-vpn/streams/testing'
import t from 'tap'
import { udpFrame, until } from './fixtures.js'
import { StreamEnds } from './lane/stream-ends.js'
import { addLane, openSession, type SessionRig } from './session-rig.js'

const PACKETS = 40

/** A session whose lanes 0 and 1 send. */
async function openTwoLanes(timing: { keepaliveMs?: number; deadAfterMs?: number } = {}) {
  const rig = openSession(timing)
  const lanes = [addLane(rig.session, 0), addLane(rig.session, 1)] as const
  await until(() => rig.log.length === 2)
  rig.session.activate()
  return { rig, lanes }
}

/**
 * Packets of as many flows, spread over the attached queues. None is read before the next turn of the event
 * loop.
 */
function hostSends({ tun }: SessionRig): number {
  let taken = 0
  for (let i = 0; i < PACKETS; i++) {
    if (tun.hostSends(udpFrame(Buffer.from('waits'), { destination: `100.96.1.${i}` }))) taken++
  }
  return taken
}

t.test('what waits for a lane that is lost goes over another one', async (t) => {
  const { rig, lanes } = await openTwoLanes()
  await using _ = rig
  t.equal(hostSends(rig), PACKETS)
  lanes[1].lane.abort(new Error('lost'))
  await until(() => lanes[0].far.packets === PACKETS)
  t.equal(rig.tun.droppedFrames, 0)
  t.ok(lanes[0].lane.counters.toPeer.packets === PACKETS)
  t.equal(hostSends(rig), PACKETS, 'the queue of the lost lane gets no more')
  await until(() => lanes[0].far.packets === 2 * PACKETS)
})

t.test('what waits for a lane that is lost is offered to the redirector first', async (t) => {
  const { rig, lanes } = await openTwoLanes()
  await using _ = rig
  let redirected = 0
  rig.session.setRedirector(() => {
    redirected++
    return true
  })
  hostSends(rig)
  lanes[1].lane.abort(new Error('lost'))
  t.ok(redirected > 0)
  await until(() => redirected === PACKETS)
  t.equal(lanes[0].far.packets, 0)
  rig.session.setRedirector(undefined)
  hostSends(rig)
  await until(() => lanes[0].far.packets === PACKETS)
})

t.test('a lane that comes later has the redirector as well', async (t) => {
  const { rig } = await openTwoLanes()
  await using _ = rig
  let redirected = 0
  rig.session.setRedirector(() => {
    redirected++
    return true
  })
  const late = addLane(rig.session, 2)
  await until(() => rig.log.includes('lane 2 ready'))
  hostSends(rig)
  await until(() => redirected === PACKETS)
  t.equal(late.far.packets, 0)
})

t.test(
  'a lane that the peer falls silent on leaves its flows to another, and has them when it answers again',
  async (t) => {
    const { rig, lanes } = await openTwoLanes({ keepaliveMs: 50, deadAfterMs: 5000 })
    await using _ = rig
    lanes[1].streams.near.pause()
    await until(() => lanes[1].lane.silentSinceMs !== undefined)
    await new Promise((resolve) => setTimeout(resolve, 250))
    t.notOk(lanes[1].lane.isDown)
    t.equal(hostSends(rig), PACKETS)
    await until(() => lanes[0].far.packets === PACKETS)
    lanes[1].streams.near.resume()
    await until(() => lanes[1].lane.silentSinceMs === undefined)
    hostSends(rig)
    await until(() => lanes[0].far.packets + lanes[1].far.packets === 2 * PACKETS)
    t.ok(lanes[1].far.packets > 0)
  },
)

t.test(
  'a lane of streams that the peer falls silent on is cut while it answers on another, as streams stay',
  async (t) => {
    await using ends = new StreamEnds()
    await using rig = openSession({ keepaliveMs: 50, deadAfterMs: 8000 })
    const joinStreams = [1, 2].map((number) => (lane: StreamLane) => ends.opener.addLane(number, lane))
    const lanes = joinStreams.map((join, index) => addLane(rig.session, index, { joinStreams: join }))
    await until(() => rig.log.length === 2)
    rig.session.activate()
    for (const { streams } of lanes) streams.near.pause()
    await until(() => lanes.every(({ lane }) => lane.silentSinceMs !== undefined))
    t.same(
      lanes.map(({ lane }) => lane.isDown),
      [false, false],
      'it may be dead as a whole',
    )
    lanes[0]?.streams.near.resume()
    await until(() => lanes[1]?.lane.isDown === true)
    t.equal(lanes[0]?.lane.isDown, false)
  },
)

t.test('what waits stays where it is while the peer is silent on every lane', async (t) => {
  const { rig, lanes } = await openTwoLanes({ keepaliveMs: 50, deadAfterMs: 5000 })
  await using _ = rig
  for (const { streams } of lanes) streams.near.pause()
  await until(() => lanes.every(({ lane }) => lane.silentSinceMs !== undefined))
  hostSends(rig)
  await new Promise((resolve) => setTimeout(resolve, 250))
  t.equal(lanes[0].far.packets + lanes[1].far.packets, 0)
  for (const { streams } of lanes) streams.near.resume()
  await until(() => lanes[0].far.packets + lanes[1].far.packets === PACKETS)
})

t.test('a further lane gets no flow before the peer has answered on it', async (t) => {
  for (const isReadyOnOpen of [false, true]) {
    const rig = openSession({ isReadyOnOpen })
    await using _ = rig
    const first = addLane(rig.session, 0)
    await until(() => rig.log.length === 1)
    rig.session.activate()
    const mute = addLane(rig.session, 1, { answers: false })
    t.equal(hostSends(rig), PACKETS)
    await until(() => first.far.packets === PACKETS)
    t.equal(mute.far.packets, 0)
    mute.far.frames.sendControl({ type: 'PONG', id: 1 })
    await until(() => rig.log.includes('lane 1 ready'))
    hostSends(rig)
    await until(() => first.far.packets + mute.far.packets === 2 * PACKETS)
    t.ok(mute.far.packets > 0)
  }
})

t.test('what waits stays where it is until a lane has been heard from', async (t) => {
  const { rig, lanes } = await openTwoLanes({ keepaliveMs: 20, deadAfterMs: 3000 })
  await using _ = rig
  lanes[0].streams.near.pause()
  await until(() => performance.now() - lanes[0].lane.lastByteAtMs > 1300)
  hostSends(rig)
  lanes[1].lane.abort(new Error('lost'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(rig.tun.droppedFrames, 0)
  t.equal(lanes[0].far.packets, 0)
  lanes[0].streams.near.resume()
  await until(() => lanes[0].far.packets === PACKETS)
})

t.test(
  'while nothing sends, packets wait in the queues, also those of a session that is closed or cut',
  async (t) => {
    for (const end of ['close', 'abort'] as const) {
      const { rig, lanes } = await openTwoLanes()
      hostSends(rig)
      if (end === 'abort') rig.session.abort(new Error('cut'))
      else await rig.session.close('going-away', 'over')
      t.equal(lanes[0].far.packets + lanes[1].far.packets, 0, 'nothing went to a session that ends')

      const next = openSession({}, rig)
      await using _ = next
      const { far } = addLane(next.session, 0)
      await until(() => next.log.length === 1)
      next.session.activate()
      await until(() => far.packets === PACKETS)
    }
  },
)

t.test('a draining session reads nothing more, and its queues stay as they are', async (t) => {
  const { rig, lanes } = await openTwoLanes()
  await using _ = rig
  rig.session.drain('superseded')
  hostSends(rig)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(lanes[0].far.packets + lanes[1].far.packets, 0)
  t.equal(rig.tun.droppedFrames, 0)
  rig.session.sendPayload(udpFrame(Buffer.from('of an older connection')))
  await until(() => lanes[0].far.packets === 1)
})

t.test('a lost interface ends the session, and every lane says why', async (t) => {
  const { rig, lanes } = await openTwoLanes()
  rig.tun.vanish()
  lanes[1].lane.abort(new Error('lost'))
  t.equal(rig.session.state, 'closed')
  t.match(rig.log.at(-1), /^closed: .*EBADFD/)
  t.ok(lanes[0].lane.isDown)
})

t.test(
  'nothing waits for a peer that is silent on all lanes while one of another session answers',
  async (t) => {
    const { rig, lanes } = await openTwoLanes({ keepaliveMs: 50, deadAfterMs: 5000 })
    await using _ = rig
    let isOtherUp = false
    let redirected = 0
    rig.session.setSharing({
      redirect: () => {
        redirected++
        return true
      },
      admit: () => true,
      isOtherUp: () => isOtherUp,
    })
    t.ok(rig.session.isResponsive)
    for (const { streams } of lanes) streams.near.pause()
    await until(() => lanes.every(({ lane }) => lane.silentSinceMs !== undefined))
    t.notOk(rig.session.isResponsive)
    t.equal(hostSends(rig), PACKETS)
    await new Promise((resolve) => setTimeout(resolve, 250))
    t.equal(redirected, 0, 'it waits while nobody else is there')
    isOtherUp = true
    await until(() => redirected === PACKETS)
    t.equal(hostSends(rig), 0, 'the queues are left to the other')
    for (const { streams } of lanes) streams.near.resume()
    await until(() => rig.session.isResponsive && hostSends(rig) === PACKETS)
  },
)

t.test('a packet from the peer that belongs to a connection of another session is dropped', async (t) => {
  const { rig, lanes } = await openTwoLanes()
  await using _ = rig
  rig.session.setSharing({ redirect: () => false, admit: () => false, isOtherUp: () => false })
  const late = addLane(rig.session, 2)
  for (const { far } of [...lanes, late]) far.frames.stream.write(answer())
  const taken = () => rig.totals.read().fromPeer.drops[DROP_REASONS.indexOf('flow-taken')]
  await until(() => taken() === 3)
  t.equal(rig.tun.takeReceived().length, 0)
})

/** A DATA frame with a packet from a pod to the seed. */
function answer(): Buffer {
  const payload = udpFrame(Buffer.from('answer'))
  const addresses = payload.subarray(22, 30)
  addresses.set([...addresses.subarray(4), ...addresses.subarray(0, 4)])
  const frame = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), payload])
  writeFrameHeader(frame, 0, FRAME_TYPE.DATA, payload.length)
  return frame
}
