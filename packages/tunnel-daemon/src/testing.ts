export { reportExpiry } from './certificate-expiry.js'
export { createTunnelEvents } from './tunnel-events.js'
