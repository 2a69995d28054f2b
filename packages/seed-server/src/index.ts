export { EgressProxy, type EgressProxyOptions } from './egress/index.js'
export { SEED_SERVER_OPTIONS, type SeedServerOptions } from './options.js'
export { startSeedServer } from './seed-server.js'
export { SessionTable, type SessionTableOptions } from './tunnel/session-table.js'
