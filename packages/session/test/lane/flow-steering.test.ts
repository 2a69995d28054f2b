import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import { BULK_LANE_MS, FlowSteering, FlowTable } from '@reversed-vpn/session/testing'
import t from 'tap'
import { gsoFrame, udpFrame } from '../fixtures.js'

const SMALL = udpFrame(Buffer.from('small'))
const BULK = gsoFrame(Buffer.alloc(60_000))

/**
 * The lanes of a session, and the kernel, which hands over a flow on the queue that its answers were written
 * to.
 */
class Lanes {
  nowMs = 1000
  readonly #queues
  readonly #steerings

  constructor(count: number) {
    const { device } = createFakeTun()
    const table = new FlowTable()
    this.#queues = Array.from({ length: count }, () => device.openQueue())
    this.#steerings = this.#queues.map((_, index) => new FlowSteering(index, table))
    this.use(...this.#queues.keys())
  }

  use(...indexes: number[]): void {
    const lanes = this.#queues.flatMap((queue, index) => (indexes.includes(index) ? [{ index, queue }] : []))
    for (const steering of this.#steerings) steering.setLanes(lanes)
  }

  get isSteering(): boolean {
    return this.#steerings.some(({ isNeeded }) => isNeeded)
  }

  /** A packet to the peer on a lane. */
  send(frame: Buffer, lane: number): void {
    this.#steerings[lane]?.note(frame, 0, frame.length, this.nowMs)
  }

  /**
   * The lane that the flow goes by after a packet from the peer came by `lane`; undefined: that one,
   * whichever it went by before.
   */
  receive(frame: Buffer, lane: number): number | undefined {
    const queue = this.#steerings[lane]?.queueOf(frame, 0, frame.length, this.nowMs)
    return queue === undefined ? undefined : this.#queues.indexOf(queue)
  }

  /** A flow of bulk begins on a lane. */
  fill(lane: number, frame = BULK): void {
    for (let packet = 0; packet < 3; packet++) this.send(frame, lane)
  }
}

/** Bulk of another flow than {@link BULK}. */
function otherBulk(byte: number): Buffer {
  const frame = Buffer.from(BULK)
  frame[10 + 15] = byte
  return frame
}

t.test('a single lane has everything', async (t) => {
  const lanes = new Lanes(2)
  t.ok(lanes.isSteering)
  lanes.use(0)
  t.notOk(lanes.isSteering)
  for (const frame of [BULK, BULK, BULK, SMALL]) t.equal(lanes.receive(frame, 0), undefined)
})

t.test('without bulk every flow stays on its lane, however its answers come', async (t) => {
  const lanes = new Lanes(3)
  for (const lane of [0, 1, 2]) {
    lanes.send(SMALL, lane)
    t.equal(lanes.receive(SMALL, 0), lane)
  }
})

t.test('a flow that nothing was sent of takes the lane it came by', async (t) => {
  t.equal(new Lanes(3).receive(SMALL, 1), 1)
})

t.test('a flow that becomes bulk stays where it is, and those that send little make way', async (t) => {
  for (const lane of [0, 1]) {
    const lanes = new Lanes(2)
    lanes.send(SMALL, lane)
    lanes.fill(lane)
    t.equal(lanes.receive(BULK, 0), lane)
    t.equal(lanes.receive(SMALL, 0), 1 - lane)
  }
})

t.test('what the peer sends counts as well', async (t) => {
  const lanes = new Lanes(2)
  for (let packet = 0; packet < 3; packet++) t.equal(lanes.receive(BULK, 1), 1)
  lanes.send(SMALL, 1)
  t.equal(lanes.receive(SMALL, 1), 0)
})

t.test('one lane is kept free: bulk that begins there is led to the others', async (t) => {
  const lanes = new Lanes(2)
  lanes.fill(1)
  t.equal(lanes.receive(BULK, 1), 1)
  const second = otherBulk(9)
  lanes.fill(0, second)
  t.equal(lanes.receive(second, 0), 1)
  t.equal(lanes.receive(BULK, 1), 1, 'the first is left alone')
})

t.test('but only where all others have some', async (t) => {
  const lanes = new Lanes(3)
  lanes.fill(2)
  t.equal(lanes.receive(BULK, 2), 2)
  const second = otherBulk(9)
  lanes.fill(1, second)
  t.equal(lanes.receive(second, 1), 1)
  lanes.send(SMALL, 2)
  t.equal(lanes.receive(SMALL, 2), 0)
})

t.test('a flow that pauses between its windows stays bulk, and on its lane', async (t) => {
  const lanes = new Lanes(2)
  for (let window = 0; window < 20; window++) {
    lanes.fill(0)
    lanes.nowMs += 300
    t.equal(lanes.receive(BULK, 0), 0)
  }
})

t.test('when bulk has ended, nobody makes way any more', async (t) => {
  const lanes = new Lanes(2)
  lanes.fill(0)
  lanes.send(SMALL, 0)
  t.equal(lanes.receive(SMALL, 0), 1)
  lanes.nowMs += BULK_LANE_MS
  t.equal(lanes.receive(SMALL, 0), 0)
})

t.test('when lanes are lost, their flows are led to what is left', async (t) => {
  const lanes = new Lanes(3)
  lanes.fill(2)
  lanes.send(SMALL, 1)
  lanes.use(0, 2)
  t.equal(lanes.receive(SMALL, 2), 0)
  lanes.use(0, 1)
  t.equal(lanes.receive(SMALL, 1), 1)
  t.equal(lanes.receive(BULK, 0), 1, 'not to the free one')
  lanes.use()
  t.equal(lanes.receive(SMALL, 2), undefined, 'none: each to its own')
})
