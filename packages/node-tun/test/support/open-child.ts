// Run as another user: opens the TUN named by its argument with two queues and prints what came of it.

import { openTun, SyscallError } from '@reversed-vpn/node-tun'
import { NO_OFFLOAD } from '@reversed-vpn/node-tun/testing'

try {
  const device = openTun({ name: process.argv[2] ?? '' })
  const queues = [device.openQueue(), device.openQueue()]
  device.setOffload({ ...NO_OFFLOAD, checksum: true })
  for (const queue of queues) {
    queue.detach()
    queue.attach()
  }
  console.log(JSON.stringify({ name: device.name, queues: queues.length }))
  device.close()
} catch (error) {
  if (!(error instanceof SyscallError)) throw error
  const { code, errno, syscall } = error
  console.log(JSON.stringify({ code, errno, syscall }))
}
