import { Worker } from 'node:worker_threads'
import { createLaneCounters, LaneMemory } from '@reversed-vpn/session'
import t from 'tap'

t.test('what is counted on one side is read on the other, every counter in its place', async (t) => {
  const memory = new LaneMemory()
  const counted = new LaneMemory(memory.buffer).createCounters()
  const expected = createLaneCounters()
  let next = 1
  for (const side of ['toPeer', 'fromPeer'] as const) {
    for (const [key, value] of Object.entries(expected[side])) {
      if (typeof value !== 'number') continue
      Object.assign(expected[side], { [key]: next })
      Object.assign(counted[side], { [key]: next++ })
    }
    expected[side].drops[3] = next
    counted[side].drops[3] = next++
  }
  t.strictSame(memory.readCounters(), expected)
  counted.toPeer.packets++
  counted.toPeer.bytes += 2 ** 40
  t.equal(memory.readCounters().toPeer.packets, expected.toPeer.packets + 1)
  t.equal(memory.readCounters().toPeer.bytes, expected.toPeer.bytes + 2 ** 40)
})

t.test('a copy that was read does not count on', async (t) => {
  const memory = new LaneMemory()
  const before = memory.readCounters()
  memory.createCounters().fromPeer.packets++
  t.equal(before.fromPeer.packets, 0)
})

t.test('a descriptor goes to whoever claims it first', async (t) => {
  const memory = new LaneMemory()
  t.ok(memory.claim('queue'))
  t.notOk(new LaneMemory(memory.buffer).claim('queue'))
  t.ok(new LaneMemory(memory.buffer).claim('connection'))
})

t.test('of two threads that claim a thousand descriptors at once each gets its own', async (t) => {
  const memories = Array.from({ length: 1000 }, () => new LaneMemory())
  const code = `const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.url).then(({ LaneMemory }) => parentPort.postMessage(
      workerData.buffers.map((buffer) => new LaneMemory(buffer).claim('queue'))))`
  const worker = new Worker(code, {
    eval: true,
    workerData: {
      url: import.meta.resolve('@reversed-vpn/session'),
      buffers: memories.map(({ buffer }) => buffer),
    },
  })
  const theirs = new Promise<boolean[]>((resolve) => worker.once('message', resolve))
  const ours: boolean[] = []
  for (const memory of memories) {
    ours.push(memory.claim('queue'))
    if (ours.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const claimed = await theirs
  t.ok(claimed.every((claim, index) => claim !== ours[index]))
})
