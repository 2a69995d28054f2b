export { AdminServer, type AdminServerOptions, type Readiness } from './admin-server.js'
export {
  type Command,
  type CommandDefinition,
  type ConfigSource,
  type Daemon,
  type DaemonContext,
  type DaemonDefinition,
  defineCommand,
  defineDaemon,
  type LoadedCommand,
  type RereadOptions,
  type RunningDaemon,
} from './daemon-definition.js'
export { type Closeable, type Disposer, DisposerStack } from './disposer-stack.js'
export { describeCause, EnvironmentError, isEnvironmentFailure, oneLine, UsageError } from './errors.js'
export { countGcPause } from './gc-metric.js'
export { type Invocation, readInvocation } from './invocation.js'
export { listenOn } from './listen.js'
export {
  createLogger,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type RateLimitedLog,
  rateLimited,
} from './logger.js'
export { countReloads, createRegistry, metricsPrefix, type Registry } from './metrics.js'
export {
  type Endpoint,
  type EndpointLimits,
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
  type CustomKind,
  custom,
  type DurationLimits,
  duration,
  filePath,
  type HttpHeader,
  httpHeader,
  integer,
  oneOf,
  type PortRange,
  portRange,
  text,
  url,
} from './options/kinds.js'
export { type LoadedOptions, loadOptions, type OptionSources } from './options/load-options.js'
export {
  defineOptions,
  environmentName,
  type OptionKind,
  type OptionSpec,
  type OptionTable,
  type OptionValues,
} from './options/option.js'
export * from './proxy-protocol/index.js'
export {
  RELOAD_OUTCOMES,
  Reloader,
  type ReloaderOptions,
  type ReloadOutcome,
  type ReloadPart,
} from './reloader.js'
export { runDaemon } from './run-daemon.js'
export { lookAtFiles, type WatchFilesOptions, watchFiles } from './watch-files.js'
