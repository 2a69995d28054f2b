export { reportExpiry } from './certificate-expiry.js'
export { watchConntrack } from './conntrack-watch.js'
export { watchForeignDrops } from './foreign-drop-watch.js'
export { createTunnelEvents } from './tunnel-events.js'
