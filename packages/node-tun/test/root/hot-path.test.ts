import '../support/own-namespace.js'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openTun } from '@reversed-vpn/node-tun'
import { MAX_TUN_FRAME_BYTES } from '@reversed-vpn/node-tun/testing'
import { test } from 'tap'
import { bringUp } from '../support/linux-lab.js'
import { frameToHost } from '../support/udp-frame.js'

const CALLS = 20_000
const MAX_ROUNDS = 100
/** Measured on Node 20.20: 7 bytes a call, all of it from the measuring itself. */
const BUDGET_BYTES_PER_CALL = 32

test('reading and writing a batch allocates nothing that has to be collected', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const device = openTun({ name: 'hot0' })
  t.teardown(() => device.close())
  bringUp(device.name)
  const queue = device.openQueue()
  const target = new Uint8Array(MAX_TUN_FRAME_BYTES)
  const lengths = new Uint32Array(8)
  const chunks = [frameToHost(4, 'nobody listens')]
  const pieces = Uint32Array.of(1, 0, 0, chunks[0]?.length ?? 0)
  const errnos = new Int32Array(1)
  const work = (): void => {
    for (let call = 0; call < CALLS; call++) {
      queue.readBatch(target, 0, lengths)
      queue.writeBatch(chunks, pieces, 1, errnos)
    }
  }
  // What a call allocates, each round allocates; the compiler beside it is done some time.
  let perCall = Number.POSITIVE_INFINITY
  for (let round = 0; round < MAX_ROUNDS && perCall >= BUDGET_BYTES_PER_CALL; round++) {
    collect()
    const before = process.memoryUsage().heapUsed
    work()
    perCall = Math.min(perCall, (process.memoryUsage().heapUsed - before) / (2 * CALLS))
  }
  t.ok(perCall < BUDGET_BYTES_PER_CALL, `${perCall.toFixed(1)} bytes a call`)
  t.equal(errnos[0], 0, 'and the frames were taken')
})
