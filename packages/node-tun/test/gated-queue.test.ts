import { constants } from 'node:os'
import { QueueSet } from '@reversed-vpn/node-tun'
import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import t from 'tap'

/** Header and packet; that of an IPv4 packet begins with 0x45. */
const FRAME = new Uint8Array(40).fill(0x45)

function setUp() {
  const fake = createFakeTun()
  const queues = new QueueSet(fake.device)
  const queue = queues.queue(0)
  const read = () => queue.readBatch(new Uint8Array(70_000), 0, new Uint32Array(4))
  const write = () => queue.writeBatch([FRAME], Uint32Array.of(1, 0, 0, FRAME.length), 1, errnos)
  const errnos = new Int32Array(1)
  return { fake, queues, queue, read, write, errnos }
}

t.test('nothing passes queues that are shut, in either direction', (t) => {
  const { fake, queues, read, write, errnos } = setUp()
  queues.setOpen(false)
  fake.hostSends(FRAME)
  t.equal(read(), 0)
  t.equal(write(), 1)
  t.equal(errnos[0], constants.errno.EIO)
  t.strictSame(fake.takeReceived(), [])
  t.end()
})

t.test('what came while they were shut is thrown away, what comes then is read', async (t) => {
  const { fake, queues, queue, read, write } = setUp()
  queues.setOpen(false)
  let wakeUps = 0
  const woken = new Promise<void>((resolve) =>
    queue.startPolling(() => {
      wakeUps += 1
      resolve()
    }),
  )
  fake.hostSends(FRAME)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(wakeUps, 0)
  queues.setOpen(true)
  t.equal(read(), 0)
  fake.hostSends(FRAME)
  await woken
  t.equal(read(), 1)
  queue.stopPolling()
  t.equal(write(), 0)
  t.equal(fake.takeReceived().length, 1)
})

t.test('a queue that is opened later is shut as well', (t) => {
  const { fake, queues } = setUp()
  queues.setOpen(false)
  const later = queues.queue(1)
  later.writeBatch([FRAME], Uint32Array.of(1, 0, 0, FRAME.length), 1, new Int32Array(1))
  t.strictSame(fake.takeReceived(), [])
  t.end()
})
