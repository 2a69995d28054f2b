import { QueueSet } from '@reversed-vpn/node-tun'
import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import t from 'tap'

const FLOWS = 64

/** Packets of many flows, so that every queue has some: virtio-net header, IPv4 header, UDP ports. */
const FRAMES = Array.from({ length: FLOWS }, (_, flow) => {
  const frame = Buffer.alloc(10 + 28)
  frame.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17], 10)
  frame.writeUInt16BE(40_000 + flow, 30)
  frame.writeUInt16BE(80, 32)
  return frame
})

/** Two lanes that send, with packets waiting for both. */
function openQueues() {
  const tun = createFakeTun()
  const queues = new QueueSet(tun.device)
  const [first, second] = [queues.queue(0), queues.queue(1)]
  queues.setAttached(new Set([0, 1]), () => {})
  for (const frame of FRAMES) t.ok(tun.hostSends(frame))
  const waitingIn = (queue: typeof first) => {
    const frames: string[] = []
    const bytes = Buffer.alloc(2 ** 20)
    const lengths = new Uint32Array(FLOWS)
    const count = queue.readBatch(bytes, 0, lengths)
    let at = 0
    for (const length of lengths.subarray(0, count)) {
      frames.push(bytes.toString('hex', at, at + length))
      at += length
    }
    return frames
  }
  return { tun, queues, first, second, waitingIn }
}

t.test('what waits in the queue of a lane that is gone is requeued before it is detached', async (t) => {
  const { tun, queues, first, waitingIn } = openQueues()
  const requeued: string[] = []
  queues.setAttached(new Set([0]), (payload) => requeued.push(payload.toString('hex')))
  t.ok(requeued.length > 0)
  t.strictSame([...waitingIn(first), ...requeued].sort(), FRAMES.map((frame) => frame.toString('hex')).sort())
  for (const frame of FRAMES) tun.hostSends(frame)
  t.equal(waitingIn(first).length, FLOWS, 'all flows take the queue that is left')
})

t.test('while nobody can take what waits, it goes on waiting', async (t) => {
  const { queues, first, second, waitingIn } = openQueues()
  queues.setAttached(new Set([0]))
  queues.setAttached(new Set())
  t.equal(waitingIn(first).length + waitingIn(second).length, FLOWS)
})

t.test(
  'further queues of a device get nothing before they are attached, and nothing once released',
  async (t) => {
    const { tun, queues, first, second, waitingIn } = openQueues()
    const other = queues.another()
    t.equal(waitingIn(first).length + waitingIn(second).length, FLOWS)
    for (const frame of FRAMES) tun.hostSends(frame)
    t.equal(waitingIn(first).length + waitingIn(second).length, FLOWS)
    other.setAttached(new Set([0]), () => {})
    for (const frame of FRAMES) tun.hostSends(frame)
    const waiting = waitingIn(other.queue(0))
    t.ok(waiting.length > 0)
    t.equal(waitingIn(first).length + waitingIn(second).length + waiting.length, FLOWS)
    queues.setOpen(false)
    for (const frame of FRAMES) tun.hostSends(frame)
    t.equal(waitingIn(other.queue(0)).length, 0, 'they are shut with the others')
    queues.setOpen(true)
    for (const frame of FRAMES) tun.hostSends(frame)
    let requeued = 0
    other.release(() => requeued++)
    t.equal(requeued, waiting.length)
    tun.vanish()
    t.doesNotThrow(() => other.release(() => {}))
  },
)
