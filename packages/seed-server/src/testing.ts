export { seedServer } from './cli.js'
export { type AcceptOptions, SessionTable } from './tunnel/session-table.js'
export { TunnelDialler } from './tunnel/tunnel-dialler.js'
