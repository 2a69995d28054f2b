export { AdminServer } from './admin-server.js'
export type { Command, Daemon, DaemonContext, DaemonDefinition, RunningDaemon } from './daemon-definition.js'
export { defineCommand, defineDaemon } from './define-daemon.js'
export { describeCause, oneLine, UsageError } from './errors.js'
export { listenOn } from './listen.js'
export { type Logger, rateLimited } from './logger.js'
export { countReloads, createRegistry, metricsPrefix, type Registry } from './metrics.js'
export {
  type Endpoint,
  endpoint,
  endpointOrUnix,
  formatEndpoint,
  hostName,
  isHostName,
  type TcpEndpoint,
  type UnixEndpoint,
} from './options/endpoint.js'
export {
  boolean,
  custom,
  duration,
  filePath,
  type HttpHeader,
  httpHeader,
  integer,
  oneOf,
  text,
  url,
} from './options/kinds.js'
export {
  defineOptions,
  environmentName,
  type OptionKind,
  type OptionTable,
  type OptionValues,
} from './options/option.js'
export { findMisspelt } from './options/similar-names.js'
export { ownResources, type Resources } from './own-resources.js'
export { encodeProxyHeader } from './proxy-protocol/encode-proxy-header.js'
export {
  PROXY_PROTOCOL_VERSIONS,
  ProxyHeaderError,
  type ProxyProtocolVersion,
  type SocketEnd,
} from './proxy-protocol/proxy-header.js'
export { readProxyHeader } from './proxy-protocol/read-proxy-header.js'
export { RELOAD_OUTCOMES, Reloader, type ReloadOutcome, type ReloadPart } from './reloader.js'
export { runDaemon } from './run-daemon.js'
export { lookAtFiles } from './watch-files.js'
