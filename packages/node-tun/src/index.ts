export { openTun } from './linux-tun.js'
export { QueueSet } from './queue-set.js'
export type { TunDevice, TunQueue } from './tun-device.js'
export { TunError } from './tun-error.js'
