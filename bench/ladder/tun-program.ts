// A program for a network namespace of its own: writes packets to a TUN and reads those that come back. Its parent sends
// TunOrders and receives the number of packets for each.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { openTun, type TunQueue } from '@reversed-vpn/node-tun'
import { MAX_TUN_FRAME_BYTES } from '@reversed-vpn/node-tun/testing'
import { synchronousStep } from './ladder-step.js'
import { SAMPLE_DESTINATION } from './sample-packets.js'
import type { TunOrder } from './tun-device.js'

const DEVICE = 'tun0'
const OFFLOAD = { checksum: true, tso4: true, tso6: true }

// The kernel must not send anything by itself.
writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1')
const device = openTun({ name: DEVICE })
device.setOffload(OFFLOAD)
const queue = device.openQueue()
ip('addr', 'add', '192.168.123.2/24', 'dev', DEVICE)
ip('link', 'set', DEVICE, 'up')
let isForwarding = false

process.on('message', (order: TunOrder) => void work(order))
process.on('disconnect', () => device.close())
process.send?.('ready')

async function work(order: TunOrder): Promise<void> {
  if (order.mode === 'back' && !isForwarding) {
    forward()
    isForwarding = true
  }
  let packets = 0
  const step = synchronousStep(
    stepOf(queue, order, (count) => {
      packets += count
    }),
  )
  await step.run(order.milliseconds)
  process.send?.(packets)
}

/** Every packet leaves by the device it came from. */
function forward(): void {
  for (const key of [
    'ip_forward',
    'conf/all/rp_filter',
    `conf/${DEVICE}/rp_filter`,
    'conf/all/send_redirects',
    `conf/${DEVICE}/send_redirects`,
  ]) {
    writeFileSync(`/proc/sys/net/ipv4/${key}`, key === 'ip_forward' ? '1' : '0')
  }
  ip('route', 'add', `${SAMPLE_DESTINATION}/32`, 'dev', DEVICE)
}

function stepOf(tun: TunQueue, order: TunOrder, onPackets: (count: number) => void): () => void {
  const { mode, batch } = order
  const frame = Buffer.from(order.frame, 'base64')
  const pieces = new Uint32Array(Array.from({ length: batch }, () => [1, 0, 0, frame.length]).flat())
  const errnos = new Int32Array(batch)
  const target = Buffer.alloc(batch * frame.length + MAX_TUN_FRAME_BYTES)
  const lengths = new Uint32Array(batch)
  return () => {
    const refused = tun.writeBatch([frame], pieces, batch, errnos)
    if (refused > 0) throw new Error(`the device refused ${refused} packets, errno ${errnos[0]}`)
    if (mode === 'write') {
      onPackets(batch)
      return
    }
    const count = tun.readBatch(target, 0, lengths)
    if (lengths[0] !== frame.length) throw new Error(`${frame.length} B came back as ${lengths[0]} B`)
    onPackets(count)
  }
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}
