import { constants } from 'node:os'
import { MAX_TUN_FRAME_BYTES } from '@reversed-vpn/node-tun/testing'
import type { Test } from 'tap'
import { type CreateTunLab, writeFrames } from './tun-lab.js'
import { FAMILIES, frameToHost } from './udp-frame.js'

const { EINVAL, EMSGSIZE } = constants.errno

/** What every TUN device promises to its writer. */
export function testWriting(t: Test, createLab: CreateTunLab): void {
  t.test('writes a batch of frames to the host, IPv4 and IPv6', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    for (const family of FAMILIES) {
      t.strictSame(writeFrames(queue, [frameToHost(family, 'one'), frameToHost(family, 'two')]), [0, 0])
      t.strictSame(await lab.hostReceives(2), ['one', 'two'])
    }
  })

  t.test('gathers frames from pieces that lie in several chunks', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    const stream = Buffer.concat([frameToHost(4, 'in three chunks'), frameToHost(6, 'in two chunks')])
    const firstBytes = frameToHost(4, 'in three chunks').length
    const chunks = [
      stream.subarray(0, 7),
      stream.subarray(7, 30),
      stream.subarray(30, 80),
      stream.subarray(80),
    ]
    const endInThird = firstBytes - 30
    const pieces = Uint32Array.from([
      ...[3, 0, 0, 7, 1, 0, 23, 2, 0, endInThird],
      ...[2, 2, endInThird, 50 - endInThird, 3, 0, stream.length - 80],
    ])
    const errnos = new Int32Array([-1, -1, -1])
    t.equal(queue.writeBatch(chunks, pieces, 2, errnos), 0)
    t.strictSame([...errnos], [0, 0, -1], 'only the frames of the batch are reported')
    t.strictSame(await lab.hostReceives(2), ['in three chunks', 'in two chunks'])
  })

  t.test('takes a frame in more pieces than the kernel gathers', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    const payload = 'x'.repeat(1200)
    const frame = frameToHost(4, payload)
    const pieces = Uint32Array.from([frame.length, ...[...frame].flatMap((_, index) => [0, index, 1])])
    t.equal(queue.writeBatch([frame], pieces, 1, new Int32Array(1)), 0)
    t.strictSame(await lab.hostReceives(1), [payload])
  })

  t.test('throws RangeError for bad bounds and writes nothing of the batch', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    const frame = frameToHost(4, 'must not arrive')
    const good = [1, 0, 0, frame.length]
    const bad: Record<string, number[]> = {
      'the piece ends behind its chunk': [...good, 1, 0, 1, frame.length],
      'the piece starts behind its chunk': [...good, 1, 0, frame.length + 1, 0],
      'offset and length wrap round': [...good, 1, 0, 8, 0xffffffff],
      'there is no such chunk': [...good, 1, 1, 0, 1],
      'the words end in a piece': [...good, 2, 0, 0, 10],
      'the words end before a frame': good,
      'the number of pieces is absurd': [...good, 0xffffffff, 0, 0, 1],
    }
    for (const [title, words] of Object.entries(bad)) {
      t.throws(
        () => queue.writeBatch([frame], Uint32Array.from(words), 2, new Int32Array(2)),
        RangeError,
        title,
      )
    }
    const two = Uint32Array.from([...good, ...good])
    t.throws(() => queue.writeBatch([frame], two, 2, new Int32Array(1)), RangeError, 'errnos is too short')
    t.strictSame(writeFrames(queue, [frameToHost(4, 'marker')]), [0])
    t.strictSame(await lab.hostReceives(1), ['marker'])
  })

  t.test('goes on behind a frame that is refused, and says which and why', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    const unknownVersion = frameToHost(4, 'version 3')
    unknownVersion[10] = 0x35
    const tooLong = new Uint8Array(MAX_TUN_FRAME_BYTES + 1)
    const frames = [
      frameToHost(4, 'before'),
      unknownVersion,
      new Uint8Array(0),
      new Uint8Array(9),
      new Uint8Array(10),
      tooLong,
      frameToHost(4, 'behind'),
    ]
    t.strictSame(writeFrames(queue, frames), [0, EINVAL, EINVAL, EINVAL, EINVAL, EMSGSIZE, 0])
    t.strictSame(await lab.hostReceives(2), ['before', 'behind'])
  })

  t.test('writes nothing when the batch is empty', async (t) => {
    await using lab = await createLab()
    t.equal(lab.device.openQueue().writeBatch([], new Uint32Array(0), 0, new Int32Array(0)), 0)
  })
}
