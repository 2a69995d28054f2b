import { once } from 'node:events'
import type { Socket } from 'node:net'
import {
  AdminServer,
  createRegistry,
  type DaemonContext,
  lookAtFiles,
  ownResources,
  Reloader,
  type RunningDaemon,
} from '@reversed-vpn/daemon'
import { CidrSet } from '@reversed-vpn/ip'
import { Admission, ByteBudget } from '@reversed-vpn/relay'
import type { Connection, ListenerName } from './accept/connection.js'
import { GatewayListener } from './accept/gateway-listener.js'
import { logEnd } from './access-log.js'
import { type PassOnOptions, passOn } from './backend/pass-on.js'
import { ConnectServer } from './connect/connect-server.js'
import { CONNECTED, closingAnswer } from './connect/http-answers.js'
import { createMetrics, type SniGatewayMetrics } from './metrics.js'
import type { SniGatewayOptions } from './options.js'
import { memoryForConnections, roomForBulk, roomForConnections } from './room.js'
import { RouteStore } from './routes/route-store.js'
import type { Route } from './routes/route-table.js'
import { RoutesFileError } from './routes/routes-file.js'
import { serveTls } from './tls/serve-tls.js'

/** So many times within the idle timeout, idle connections are looked for. */
const IDLE_LOOKS = 10

/**
 * Starts everything, what others depend on first: routes ──▶ admin ──▶ ports. Backends are not checked: a tunnel must be able
 * to come up before anything is ready.
 */
export async function startSniGateway(
  options: SniGatewayOptions,
  context: DaemonContext,
): Promise<RunningDaemon> {
  const { log } = context
  const registry = createRegistry(context)
  const connections = new Set<Connection>()
  const resources = ownResources()
  const memoryMax = options.memoryMax ?? memoryForConnections(resources)
  const budget = new ByteBudget(roomForBulk(memoryMax))
  const admission = new Admission<Socket>({
    max: options.maxConnections ?? roomForConnections(resources, memoryMax),
    maxPerSource: options.maxConnectionsPerSource,
    whenFull: 'refuse-new',
  })
  const seen = lookAtFiles([options.routes])
  const routes = openRoutes(options, context)
  const metrics = createMetrics(registry, () => ({
    connections,
    routes: routes.table.routes.length,
    sources: admission.sources,
    waitingBytes: budget.heldBytes,
    paused: budget.paused,
  }))

  const reloader = new Reloader({
    parts: [{ name: 'routes', files: [options.routes], seen, reload: () => routes.reload() }],
    log: log.child({ component: 'reload' }),
    onOutcome: (_, outcome) => metrics.reloaded(outcome),
  })
  reloader.watch()
  context.defer('routes file', () => reloader.close())
  const admin = new AdminServer({
    endpoint: options.adminListen,
    signal: context.signal,
    registry,
    log: log.child({ component: 'admin' }),
    readiness: () => ({ ready: true, reasons: [] }),
    status: () => ({ connections: connections.size, routes: routes.table.routes }),
  })
  context.defer('admin server', () => admin.close())
  const adminPort = await admin.listen()

  context.defer('connections', () => cutAll(connections))
  const listeners = createListeners({ options, context, connections, admission, budget, routes, metrics })
  context.defer('ports', () => listeners.close())
  const ports = await listeners.listen()
  const idleTimer = setInterval(
    () => cutIdle(connections, options.idleTimeoutMs),
    options.idleTimeoutMs / IDLE_LOOKS,
  )
  context.defer('idle timer', () => clearInterval(idleTimer))

  log.info({ ...ports, admin: adminPort, routes: routes.table.routes.length }, 'sni-gateway started')
  return {
    stopDeadlineMs: options.drainTimeoutMs,
    stop: async () => {
      listeners.close()
      // Nothing goes through these yet: their clients come again, to another gateway.
      cutAll([...connections].filter(({ relayedAtMs }) => relayedAtMs === undefined))
      await Promise.all(
        [...connections].map(({ socket }) => (socket.closed ? undefined : once(socket, 'close'))),
      )
    },
    reload: () => reloader.reload(),
  }
}

function openRoutes({ routes: file }: SniGatewayOptions, { optionError }: DaemonContext): RouteStore {
  try {
    return new RouteStore(file)
  } catch (error) {
    if (!(error instanceof RoutesFileError)) throw error
    throw optionError('routes', error.message)
  }
}

interface Parts {
  readonly options: SniGatewayOptions
  readonly context: DaemonContext
  readonly connections: Set<Connection>
  readonly admission: Admission<Socket>
  readonly budget: ByteBudget
  readonly routes: RouteStore
  readonly metrics: SniGatewayMetrics
}

function createListeners({ options, context, connections, admission, budget, routes, metrics }: Parts) {
  const trustedProxies = CidrSet.of(options.proxyProtocolFrom)
  const access = context.log.child({ component: 'access' })
  const pass = (
    connection: Connection,
    extra: Pick<PassOnOptions, 'route' | 'head' | 'greeting' | 'lastAnswer'>,
  ) =>
    void passOn(connection, {
      ...extra,
      dialTimeoutMs: options.dialTimeoutMs,
      budget,
      onDialled: (ms) => metrics.dialled(ms / 1000),
    })
  const connectServer = new ConnectServer({
    routingHeaders: options.routingHeader,
    maxHeaderBytes: options.maxHeaderBytes,
    routes,
    passOn: (connection, route, head) =>
      pass(connection, {
        route,
        head,
        greeting: CONNECTED,
        lastAnswer: ({ reason }) => closingAnswer(reason === 'backend-timeout' ? 504 : 502),
      }),
  })
  const serve: Readonly<Record<ListenerName, (connection: Connection) => void>> = {
    connect: (connection) => connectServer.serve(connection),
    tls: (connection) =>
      serveTls(connection, {
        maxHelloBytes: options.maxHelloBytes,
        routes,
        passOn: (_: Connection, route: Route, head: Buffer) => pass(connection, { route, head }),
      }),
  }
  const listenerFor = (listener: ListenerName) =>
    new GatewayListener({
      listener,
      connections,
      admission,
      budget,
      isTrustedProxy: (address) => !trustedProxies.isEmpty && trustedProxies.has(address),
      firstBytesTimeoutMs: options.firstBytesTimeoutMs,
      serve: serve[listener],
      onEnd: (connection, reason, detail) => {
        metrics.ended(connection, reason)
        logEnd(access, connection, reason, detail)
      },
      onError: (error) => context.log.error({ err: error, listener }, 'accepting failed'),
    })
  const listeners = { tls: listenerFor('tls'), connect: listenerFor('connect') }
  return {
    async listen() {
      const tls = await listeners.tls.listen(options.tlsListen, context.signal)
      const connect = await listeners.connect.listen(options.connectListen, context.signal)
      return { tls, connect }
    },
    close() {
      listeners.tls.close()
      listeners.connect.close()
    },
  }
}

function cutIdle(connections: ReadonlySet<Connection>, idleTimeoutMs: number): void {
  const oldestMs = performance.now() - idleTimeoutMs
  for (const connection of connections) {
    if (connection.relayedAtMs !== undefined && connection.lastByteAtMs < oldestMs) connection.drop('idle')
  }
}

function cutAll(connections: Iterable<Connection>): void {
  for (const connection of connections) connection.drop('drained')
}
