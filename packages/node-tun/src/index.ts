export { openTun } from './linux-tun.js'
export { QueueSet } from './queue-set.js'
export { isDeviceGone, SyscallError } from './syscall-error.js'
export type { TunDevice, TunQueue } from './tun-device.js'
