import { constants } from 'node:os'
import { noTunDevice, QueueSet } from '@reversed-vpn/node-tun'
import t from 'tap'

t.test('where there is no interface nothing is read, and each frame is refused', async (t) => {
  const queues = new QueueSet(noTunDevice())
  queues.setAttached(new Set([0, 3]), () => t.fail('nothing waits'))
  const queue = queues.queue(3)
  queue.startPolling(() => t.fail('nothing comes'))
  t.equal(queue.readBatch(new Uint8Array(70_000), 0, new Uint32Array(4)), 0)
  const errnos = Int32Array.of(-1, -1, -1)
  t.equal(queue.writeBatch([new Uint8Array(40)], Uint32Array.of(1, 0, 0, 40, 1, 0, 0, 40), 2, errnos), 2)
  t.strictSame([...errnos], [constants.errno.ENODEV, constants.errno.ENODEV, -1])
  queues.another().release(() => t.fail('nothing waits'))
})
