import '../support/own-namespace.js'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { adoptTunQueue, createFakeTun, openTun } from '@reversed-vpn/node-tun'
import { test } from 'tap'
import { createLinuxLab, interfaceExists } from '../support/linux-lab.js'
import { readUdp } from '../support/tun-lab.js'

const READER = fileURLToPath(new URL('../support/adopting-worker.js', import.meta.url))

test('what one of two descriptors of a queue reads is gone for the other', async (t) => {
  await using lab = await createLinuxLab()
  const queue = lab.device.openQueue()
  const other = adoptTunQueue(queue.duplicate())
  await lab.hostSends(4, 0, 'one')
  t.match(readUdp(other), [{ payload: 'one' }])
  t.strictSame(readUdp(queue), [])
  queue.detach()
  await lab.hostSends(4, 0, 'lost')
  t.strictSame(readUdp(other), [], 'both are detached at once')
  other.close()
  queue.attach()
  await lab.hostSends(4, 0, 'two')
  t.match(readUdp(queue), [{ payload: 'two' }], 'the other goes on')
})

test('the interface lives as long as one descriptor of its queues', async (t) => {
  const device = openTun({ name: 'shared0' })
  const other = adoptTunQueue(device.openQueue().duplicate())
  device.close()
  t.equal(interfaceExists('shared0'), true)
  other.close()
  t.equal(interfaceExists('shared0'), false)
})

test('a worker reads a queue while the main thread holds it, and its end closes only its own descriptor', async (t) => {
  await using lab = await createLinuxLab()
  const queue = lab.device.openQueue()
  const worker = new Worker(READER, { workerData: queue.duplicate() })
  await once(worker, 'message')
  await lab.hostSends(4, 0, 'to the worker')
  t.strictSame(await once(worker, 'message'), [['to the worker']])
  await worker.terminate()
  t.equal(lab.exists(), true)
  await lab.hostSends(4, 0, 'to the main thread')
  t.match(readUdp(queue), [{ payload: 'to the main thread' }])
})

test('refuses a descriptor that is no queue, and leaves it open', async (t) => {
  const file = openSync('/dev/null', 'r')
  t.throws(() => adoptTunQueue(file), { name: 'TunError', code: 'ENOTTY', syscall: 'ioctl(TUNGETIFF)' })
  closeSync(file)
  t.throws(() => adoptTunQueue(file), { code: 'EBADF' })
})

test('a queue that is closed, or none of the kernel, has no descriptor to give', async (t) => {
  const device = openTun({ name: 'closed0' })
  const queue = device.openQueue()
  device.close()
  t.throws(() => queue.duplicate(), { code: 'EBADF' })
  t.throws(() => createFakeTun().device.openQueue().duplicate(), { code: 'EOPNOTSUPP' })
})
