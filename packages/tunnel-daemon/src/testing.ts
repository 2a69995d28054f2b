export { reportExpiry } from './certificate-expiry.js'
export { watchConntrack } from './conntrack-watch.js'
export { createTunnelEvents } from './tunnel-events.js'
