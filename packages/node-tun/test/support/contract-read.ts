import { MAX_TUN_FRAME_BYTES, NO_OFFLOAD, TUN_HEADER_BYTES } from '@reversed-vpn/node-tun/testing'
import type { Test } from 'tap'
import { type CreateTunLab, createTarget, readFrames, readPayloads, readUdp } from './tun-lab.js'
import { FAMILIES, FAR_PORT } from './udp-frame.js'

/** What every TUN device promises to its reader. */
export function testReading(t: Test, createLab: CreateTunLab): void {
  t.test('reads what the host sent in one batch, in order, IPv4 and IPv6', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    for (const family of FAMILIES) {
      for (const payload of ['one', 'two', 'three']) await lab.hostSends(family, 0, payload)
      const frames = readUdp(queue)
      t.strictSame(
        frames,
        ['one', 'two', 'three'].map((payload) => ({
          family,
          sourcePort: 7001,
          destinationPort: FAR_PORT,
          payload,
        })),
      )
    }
    t.equal(queue.readBatch(createTarget(1, 0), 0, new Uint32Array(1)), 0, 'empty afterwards')
  })

  t.test('leaves headroom free before every frame and gives each its virtio-net header', async (t) => {
    await using lab = await createLab()
    lab.device.setOffload(NO_OFFLOAD)
    const queue = lab.device.openQueue()
    readFrames(queue)
    await lab.hostSends(4, 0, 'first')
    await lab.hostSends(4, 0, 'second')
    const headroomBytes = 4
    const target = createTarget(3, headroomBytes).fill(0xee)
    const lengths = new Uint32Array(2)
    t.equal(queue.readBatch(target, headroomBytes, lengths), 2)
    let offset = 0
    for (const length of lengths) {
      const start = offset + headroomBytes
      t.strictSame([...target.subarray(offset, start)], [0xee, 0xee, 0xee, 0xee], 'headroom untouched')
      t.strictSame([...target.subarray(start, start + TUN_HEADER_BYTES)], Array(TUN_HEADER_BYTES).fill(0))
      t.equal(target[start + TUN_HEADER_BYTES], 0x45)
      offset = start + length
    }
    t.strictSame([...lengths], [10 + 28 + 5, 10 + 28 + 6])
  })

  t.test('stops when lengths is full or the target short, and goes on with the next call', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    readFrames(queue)
    for (const payload of ['a', 'b', 'c', 'd']) await lab.hostSends(4, 0, payload)
    t.equal(queue.readBatch(createTarget(9, 0), 0, new Uint32Array(2)), 2, 'lengths holds two')
    t.equal(queue.readBatch(createTarget(1, 4), 4, new Uint32Array(9)), 1, 'the target has room for one')
    t.strictSame(readPayloads(queue), ['d'])
  })

  t.test('refuses a target or lengths without room for one frame, and a headroom that is none', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    const target = new Uint8Array(MAX_TUN_FRAME_BYTES + 3)
    t.throws(() => queue.readBatch(target, 4, new Uint32Array(1)), RangeError)
    t.throws(() => queue.readBatch(target, 0, new Uint32Array(0)), RangeError)
    for (const headroomBytes of [-1, 0.5, 2 ** 32, Number.NaN]) {
      t.throws(
        () => queue.readBatch(target, headroomBytes, new Uint32Array(1)),
        RangeError,
        String(headroomBytes),
      )
    }
    t.equal(
      queue.readBatch(target.subarray(3), 0, new Uint32Array(1)) <= 1,
      true,
      'room for exactly one is enough',
    )
  })

  t.test('holds as many packets as its limit and drops the rest', async (t) => {
    await using lab = await createLab({ queueLimitPackets: 4 })
    const queue = lab.device.openQueue()
    readFrames(queue)
    for (let index = 0; index < 10; index++) await lab.hostSends(4, 0, `packet ${index}`)
    t.equal(readFrames(queue).length, 4)
    await lab.hostSends(4, 0, 'after')
    t.strictSame(readPayloads(queue), ['after'])
  })
}
