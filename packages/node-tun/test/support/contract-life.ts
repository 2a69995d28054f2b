import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeviceGone, SyscallError, type TunQueue } from '@reversed-vpn/node-tun'
import { NO_OFFLOAD } from '@reversed-vpn/node-tun/testing'
import type { Test } from 'tap'
import { type CreateTunLab, readFrames, readPayloads, readUdp, writeFrames } from './tun-lab.js'
import { FAR_PORT, frameToHost } from './udp-frame.js'

const FLOWS = 32
const EBADFD = 77

/** Settles when the queue's callback has run `times` times; it reads nothing. */
function callbacks(queue: TunQueue, times: number): Promise<void> {
  return new Promise((resolve) => {
    let left = times
    queue.startPolling(() => {
      if (--left === 0) resolve()
    })
  })
}

function turnsOfTheLoop(count: number): Promise<unknown> {
  return Array.from({ length: count }).reduce<Promise<unknown>>(
    (done) => done.then(() => nextTurn()),
    nextTurn(),
  )
}

function thrownBy(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error
  }
}

/** Queues, polling, and the ends of both. */
export function testLife(t: Test, createLab: CreateTunLab): void {
  t.test('spreads flows over its queues and keeps each flow on one, in order', async (t) => {
    await using lab = await createLab()
    const queues = [lab.device.openQueue(), lab.device.openQueue()]
    for (const round of [0, 1]) {
      for (let flow = 0; flow < FLOWS; flow++) await lab.hostSends(4, flow, `${flow}/${round}`)
    }
    const perQueue = queues.map((queue) => readUdp(queue))
    for (const frames of perQueue) {
      const flows = new Set(frames.map((frame) => frame.destinationPort - FAR_PORT))
      const expected = [0, 1].flatMap((round) => [...flows].map((flow) => `${flow}/${round}`))
      t.strictSame(frames.map((frame) => frame.payload).sort(), expected.sort(), 'both rounds of its flows')
      t.ok(flows.size > 0 && flows.size < FLOWS, `${flows.size} flows on one queue`)
    }
    t.equal(perQueue.flat().length, 2 * FLOWS, 'nothing lost or doubled')
  })

  t.test('gives the flows of a detached queue to the others until it is attached again', async (t) => {
    await using lab = await createLab()
    const [stays, leaves] = [lab.device.openQueue(), lab.device.openQueue()]
    const sendAll = async (): Promise<void> => {
      for (let flow = 0; flow < FLOWS; flow++) await lab.hostSends(4, flow, `flow ${flow}`)
    }
    leaves.detach()
    leaves.detach()
    await sendAll()
    t.equal(readPayloads(stays).length, FLOWS)
    t.strictSame(readPayloads(leaves), [])
    t.strictSame(writeFrames(leaves, [frameToHost(4, 'from a detached queue')]), [0])
    t.strictSame(await lab.hostReceives(1), ['from a detached queue'])
    leaves.attach()
    leaves.attach()
    await sendAll()
    const attached = readPayloads(leaves).length
    t.ok(attached > 0, `${attached} of ${FLOWS} flows came back`)
    t.equal(readPayloads(stays).length, FLOWS - attached)
  })

  t.test('calls back as long as packets wait, and not at all once polling stopped', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    readFrames(queue)
    const called = callbacks(queue, 3)
    await lab.hostSends(4, 0, 'level triggered')
    await called
    queue.stopPolling()
    queue.stopPolling()
    let calls = 0
    queue.startPolling(() => calls++)
    queue.stopPolling()
    await turnsOfTheLoop(5)
    t.equal(calls, 0)
    t.strictSame(readPayloads(queue), ['level triggered'], 'the packet stayed with the device')
  })

  t.test('replaces the callback when polling is started again', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    let calls = 0
    queue.startPolling(() => calls++)
    const called = callbacks(queue, 2)
    await lab.hostSends(4, 0, 'for the second')
    await called
    t.equal(calls, 0)
  })

  t.test('may be closed from inside its callback', async (t) => {
    await using lab = await createLab()
    const queue = lab.device.openQueue()
    let calls = 0
    const closed = new Promise<void>((resolve) => {
      queue.startPolling(() => {
        calls++
        queue.close()
        resolve()
      })
    })
    await lab.hostSends(4, 0, 'last words')
    await closed
    await turnsOfTheLoop(5)
    t.equal(calls, 1)
  })

  t.test('settles for none, whichever is closed first and however often', async (t) => {
    await using lab = await createLab()
    const [queue, other] = [lab.device.openQueue(), lab.device.openQueue()]
    queue.startPolling(() => t.fail('called back'))
    queue.close()
    queue.close()
    queue.stopPolling()
    t.strictSame(writeFrames(other, [frameToHost(4, 'the other works')]), [0])
    lab.device.close()
    lab.device.close()
    other.close()
    const afterClose: Record<string, () => void> = {
      readBatch: () => readFrames(other),
      writeBatch: () => writeFrames(other, [frameToHost(4, 'x')]),
      startPolling: () => other.startPolling(() => {}),
      detach: () => other.detach(),
      openQueue: () => lab.device.openQueue(),
      setOffload: () => lab.device.setOffload(NO_OFFLOAD),
      setOwner: () => lab.device.setOwner({ uid: 0 }),
      setPersistent: () => lab.device.setPersistent(true),
    }
    for (const [title, call] of Object.entries(afterClose)) {
      t.throws(call, { name: 'SyscallError', code: 'EBADF' }, title)
    }
  })

  t.test('tells reader and writer when the interface is gone', async (t) => {
    await using lab = await createLab()
    const [queue, detached] = [lab.device.openQueue(), lab.device.openQueue()]
    detached.detach()
    readFrames(queue)
    const called = callbacks(queue, 1)
    lab.vanish()
    await called
    t.throws(() => readFrames(queue), {
      name: 'SyscallError',
      code: 'EBADFD',
      errno: -EBADFD,
      syscall: 'read',
    })
    t.throws(() => readFrames(queue), SyscallError)
    const calls = [
      () => readFrames(queue),
      () => queue.detach(),
      () => detached.attach(),
      () => lab.device.setOffload(NO_OFFLOAD),
    ]
    for (const call of calls) t.ok(isDeviceGone(thrownBy(call)), String(call))
    t.strictSame(writeFrames(queue, [frameToHost(4, 'x')]), [EBADFD])
    queue.close()
  })

  t.test('goes with its last queue unless it is persistent', async (t) => {
    for (const states of [[], [true], [true, false]]) {
      await using lab = await createLab()
      lab.device.openQueue()
      lab.device.setOwner({ uid: 65_534, gid: 65_534 })
      for (const isPersistent of states) lab.device.setPersistent(isPersistent)
      t.equal(lab.exists(), true)
      lab.device.close()
      t.equal(lab.exists(), states.at(-1) ?? false, `persistent: ${states.join(', then ')}`)
      if (lab.exists()) lab.vanish()
      t.equal(lab.exists(), false)
    }
  })

  t.test('takes every offload, and refuses a set without checksums', async (t) => {
    await using lab = await createLab()
    lab.device.openQueue()
    lab.device.setOffload({ checksum: true, tso4: true, tso6: true })
    t.throws(() => lab.device.setOffload({ ...NO_OFFLOAD, tso4: true }), { code: 'EINVAL' })
    lab.device.setOffload(NO_OFFLOAD)
  })
}
