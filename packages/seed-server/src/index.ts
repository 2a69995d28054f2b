export { seedServer } from './cli.js'
export { HandshakeLine, type HandshakeLineOptions } from './egress/handshake-line.js'
export {
  ADMISSION_FAILURES,
  type ConnectTarget,
  createRequestParser,
  EgressProxy,
  type EgressProxyOptions,
  EgressRefusal,
  parseConnectRequest,
  REQUEST_OUTCOMES,
} from './egress/index.js'
export { SEED_SERVER_OPTIONS, type SeedServerOptions } from './options.js'
export { startSeedServer } from './seed-server.js'
export { type AcceptOptions, SessionTable, type SessionTableOptions } from './tunnel/session-table.js'
export { TunnelDialler, type TunnelDiallerOptions } from './tunnel/tunnel-dialler.js'
