import { once } from 'node:events'
import {
  AdminServer,
  createRegistry,
  type DaemonContext,
  lookAtFiles,
  Reloader,
  type RunningDaemon,
} from '@reversed-vpn/daemon'
import { CidrSet } from '@reversed-vpn/ip'
import type { Connection, ListenerName } from './accept/connection.js'
import { FrontDoor } from './accept/front-door.js'
import { SourceLimits } from './accept/source-limits.js'
import { logEnd } from './access-log.js'
import { ConnectServer } from './connect/connect-server.js'
import { CONNECTED, closingAnswer } from './connect/http-answers.js'
import { createMetrics, type SniGatewayMetrics } from './metrics.js'
import type { SniGatewayOptions } from './options.js'
import { type PassOnOptions, passOn } from './relay/pass-on.js'
import { RouteKeeper } from './routes/route-keeper.js'
import type { Route } from './routes/route-table.js'
import { RoutesFileError } from './routes/routes-file.js'
import { serveTls } from './tls/serve-tls.js'

/** Between two looks for connections that are idle, as a share of the time they may be. */
const IDLE_LOOKS = 10

/**
 * Starts everything, what others depend on first: routes ──▶ admin ──▶ ports. Backends are not looked at: a tunnel must be able to come
 * up before anything is ready.
 */
export async function startSniGateway(
  options: SniGatewayOptions,
  context: DaemonContext,
): Promise<RunningDaemon> {
  const { log } = context
  const registry = createRegistry(context.name, context.version)
  const connections = new Set<Connection>()
  const sourceLimits = new SourceLimits(options.maxConnectionsPerSource)
  const seen = lookAtFiles([options.routes])
  const keeper = openRoutes(options, context)
  const metrics = createMetrics(registry, () => ({
    connections,
    routes: keeper.table.routes.length,
    sources: sourceLimits.sources,
  }))

  const reloader = new Reloader({
    parts: [{ name: 'routes', files: [options.routes], seen, reload: () => keeper.reload() }],
    log: log.child({ component: 'reload' }),
    onOutcome: (_, outcome) => metrics.reloaded(outcome),
  })
  reloader.watch()
  context.defer('routes file', () => reloader.close())
  const admin = new AdminServer({
    endpoint: options.adminListen,
    registry,
    log: log.child({ component: 'admin' }),
    readiness: () => ({ ready: true, reasons: [] }),
    status: () => ({ connections: connections.size, routes: keeper.table.routes }),
  })
  context.defer('admin server', () => admin.close())
  const adminPort = await admin.listen()

  context.defer('connections', () => cutAll(connections))
  const doors = createDoors({ options, context, connections, sourceLimits, keeper, metrics })
  context.defer('ports', () => doors.close())
  const ports = await doors.listen()
  const idleTimer = setInterval(
    () => cutIdle(connections, options.idleTimeoutMs),
    options.idleTimeoutMs / IDLE_LOOKS,
  )
  context.defer('idle timer', () => clearInterval(idleTimer))

  log.info({ ...ports, admin: adminPort, routes: keeper.table.routes.length }, 'sni-gateway started')
  return {
    stopDeadlineMs: options.drainTimeoutMs,
    stop: async () => {
      doors.close()
      await Promise.all(
        [...connections].map(({ socket }) => (socket.closed ? undefined : once(socket, 'close'))),
      )
    },
    reload: () => reloader.reload(),
  }
}

function openRoutes({ routes: file }: SniGatewayOptions, { optionError }: DaemonContext): RouteKeeper {
  try {
    return new RouteKeeper(file)
  } catch (error) {
    if (!(error instanceof RoutesFileError)) throw error
    throw optionError('routes', error.message)
  }
}

interface Parts {
  readonly options: SniGatewayOptions
  readonly context: DaemonContext
  readonly connections: Set<Connection>
  readonly sourceLimits: SourceLimits
  readonly keeper: RouteKeeper
  readonly metrics: SniGatewayMetrics
}

function createDoors({ options, context, connections, sourceLimits, keeper, metrics }: Parts) {
  const table = () => keeper.table
  const access = context.log.child({ component: 'access' })
  const pass = (
    connection: Connection,
    extra: Pick<PassOnOptions, 'route' | 'head' | 'greeting' | 'farewell'>,
  ) =>
    void passOn(connection, {
      ...extra,
      dialTimeoutMs: options.dialTimeoutMs,
      onDialled: (ms) => metrics.dialled(ms / 1000),
    })
  const connectServer = new ConnectServer({
    routingHeaders: options.routingHeader,
    maxHeaderBytes: options.maxHeaderBytes,
    table,
    passOn: (connection, route, head) =>
      pass(connection, {
        route,
        head,
        greeting: CONNECTED,
        farewell: ({ reason }) => closingAnswer(reason === 'backend-timeout' ? 504 : 502),
      }),
  })
  const serve: Readonly<Record<ListenerName, (connection: Connection) => void>> = {
    connect: (connection) => connectServer.serve(connection),
    tls: (connection) =>
      serveTls(connection, {
        maxHelloBytes: options.maxHelloBytes,
        table,
        passOn: (_: Connection, route: Route, head: Buffer) => pass(connection, { route, head }),
      }),
  }
  const proxies = CidrSet.of(options.proxyProtocolFrom)
  const door = (listener: ListenerName) =>
    new FrontDoor({
      listener,
      connections,
      maxConnections: options.maxConnections,
      sourceLimits,
      isTrustedProxy: (address) => proxies.has(address.replace(/%.*$/, '')),
      firstBytesTimeoutMs: options.firstBytesTimeoutMs,
      serve: serve[listener],
      onEnd: (connection, reason, detail) => {
        metrics.ended(connection, reason)
        logEnd(access, connection, reason, detail)
      },
      onError: (error) => context.log.error({ err: error, listener }, 'accepting failed'),
    })
  const doors = { tls: door('tls'), connect: door('connect') }
  return {
    async listen() {
      const tls = await doors.tls.listen(options.tlsListen)
      const connect = await doors.connect.listen(options.connectListen)
      return { tls, connect }
    },
    close() {
      doors.tls.close()
      doors.connect.close()
    },
  }
}

function cutIdle(connections: ReadonlySet<Connection>, idleTimeoutMs: number): void {
  const oldestMs = performance.now() - idleTimeoutMs
  for (const connection of connections) {
    if (connection.relayedAtMs !== undefined && connection.lastByteAtMs < oldestMs) connection.drop('idle')
  }
}

function cutAll(connections: ReadonlySet<Connection>): void {
  for (const connection of connections) connection.drop('drained')
}
