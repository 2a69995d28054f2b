// Run as a process of its own, with few descriptors: asks for a queue when none is left, and again later.
import { closeSync, openSync } from 'node:fs'
import { isDeviceGone, openTun, QueueSet } from '@reversed-vpn/node-tun'

/** Opens files until no descriptor is left. */
function exhaust(): number[] {
  const held: number[] = []
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {
    return held
  }
}

const device = openTun({ name: 'full0' })
const queues = new QueueSet(device)
const held = exhaust()
const seen: Record<string, unknown> = {}
try {
  queues.queue(1)
} catch (error) {
  seen.code = (error as NodeJS.ErrnoException).code
  seen.isDeviceGone = isDeviceGone(error)
}
seen.first = queues.queue(0).readBatch(Buffer.alloc(70_000), 0, new Uint32Array(1))
for (const descriptor of held) closeSync(descriptor)
const late = queues.queue(1)
seen.isSameLater = queues.queue(1) === late
device.close()
console.log(JSON.stringify(seen))
