import { isIPv6, type Socket } from 'node:net'
import {
  type DaemonContext,
  formatEndpoint,
  lookAtFiles,
  type TcpEndpoint,
  UsageError,
} from '@reversed-vpn/daemon'
import { CertificateStore, loadTlsMaterial, TlsMaterialError, tlsFileList } from '@reversed-vpn/secure'
import { type Transport, tuneLaneSocket } from '@reversed-vpn/session'
import { getProxyForUrl } from 'proxy-from-env'
import { connectTransport } from './dial/connect-transport.js'
import { GatewayAuthorities } from './dial/gateway-authorities.js'
import { portOf } from './dial/open-way.js'
import { proxiedTransport } from './dial/proxied-transport.js'
import { webSocketTransport } from './dial/web-socket-transport.js'
import type { SHOOT_CLIENT_OPTIONS, ShootClientOptions } from './options.js'

type Flag = keyof typeof SHOOT_CLIENT_OPTIONS

/** What the options come to, checked against each other. */
export interface Setting {
  readonly options: ShootClientOptions
  readonly tls: Watched<CertificateStore>
  /** Of a gateway that is reached by TLS, where they were given. */
  readonly gatewayCa: Watched<GatewayAuthorities> | undefined
  readonly way: TunnelWay
}

/** What is made of files, and what they looked like before they were read. */
export interface Watched<Keeper> {
  readonly keeper: Keeper
  readonly seen: string
}

/** How connections to the seed-server come about. */
export type TunnelWay =
  | { readonly type: 'dial'; readonly transport: Transport }
  | { readonly type: 'listen'; readonly endpoint: TcpEndpoint }

/** The way as a person would say it. */
export function describeWay(way: TunnelWay): string {
  return way.type === 'dial' ? way.transport.description : `listening on ${formatEndpoint(way.endpoint)}`
}

/** Flags that say how to dial, which who listens does not do. */
const DIAL_FLAGS = ['gateway', 'gateway-ca', 'header', 'sni', 'proxy'] as const

/**
 * Checks the options against each other and reads the certificates.
 * @throws UsageError naming the flag
 */
export function resolveSetting(
  options: ShootClientOptions,
  context: Pick<DaemonContext, 'optionError'>,
): Setting {
  if (options.deadAfterMs <= options.keepaliveMs) {
    throw context.optionError('dead-after', `expected more than --keepalive, ${options.keepaliveMs}ms`)
  }
  if (options.reconnectMaxMs < options.reconnectMinMs) {
    throw context.optionError(
      'reconnect-max',
      `expected at least --reconnect-min, ${options.reconnectMinMs}ms`,
    )
  }
  const gatewayCa = options.listen === undefined ? loadGatewayCa(options, context) : undefined
  const way = chooseWay(options, gatewayCa?.keeper, context)
  return { options, tls: loadTls(options, context), gatewayCa, way }
}

function chooseWay(
  options: ShootClientOptions,
  gatewayCa: GatewayAuthorities | undefined,
  context: Pick<DaemonContext, 'optionError'>,
): TunnelWay {
  const { listen, server } = options
  if (listen === undefined) {
    if (server === undefined) {
      throw context.optionError(
        'server',
        'is not given, expected HOST:PORT, or --listen for the other direction',
      )
    }
    if (options.header.length > 0 && options.gateway === undefined) {
      throw context.optionError('header', 'is sent with CONNECT and needs --gateway')
    }
    return { type: 'dial', transport: chooseTransport(options, server, gatewayCa) }
  }
  const given = { ...options, 'gateway-ca': options.gatewayCa }
  const unwanted = DIAL_FLAGS.find((flag) => [given[flag] ?? []].flat().length > 0)
  if (unwanted !== undefined) {
    const problem = `says how to dial, and with --listen nothing is dialled: leave out --${unwanted} or --listen`
    throw context.optionError(unwanted, problem)
  }
  return { type: 'listen', endpoint: listen }
}

function chooseTransport(
  options: ShootClientOptions,
  server: TcpEndpoint,
  authorities: GatewayAuthorities | undefined,
): Transport {
  const { gateway, header: headers, deadAfterMs, congestion } = options
  const gatewayCa = authorities && (() => authorities.ca)
  if (gateway === undefined) return proxiedTransport(server, chooseProxy(options, server))
  const proxy = chooseProxy(options, { host: gateway.hostname, port: portOf(gateway) })
  if (gateway.protocol === 'ws:' || gateway.protocol === 'wss:') {
    const tune = (socket: Socket) => tuneLaneSocket(socket, { userTimeoutMs: deadAfterMs, congestion })
    return webSocketTransport({ gateway, gatewayCa, proxy, headers, tune })
  }
  return connectTransport({ gateway, gatewayCa, proxy, target: formatEndpoint(server), headers })
}

function loadGatewayCa(
  { gateway, gatewayCa }: ShootClientOptions,
  context: Pick<DaemonContext, 'optionError'>,
): Watched<GatewayAuthorities> | undefined {
  if (gatewayCa === undefined) return undefined
  if (gateway?.protocol !== 'https:' && gateway?.protocol !== 'wss:') {
    throw context.optionError('gateway-ca', 'is for an https or wss --gateway')
  }
  try {
    const seen = lookAtFiles([gatewayCa])
    return { keeper: new GatewayAuthorities(gatewayCa), seen }
  } catch (error) {
    if (!(error instanceof TlsMaterialError)) throw error
    throw context.optionError('gateway-ca', `cannot be used: ${error.message}`)
  }
}

/** What `--proxy` says, else the environment, as other programs read it. */
function chooseProxy(
  { proxy }: ShootClientOptions,
  { host, port }: Pick<TcpEndpoint, 'host' | 'port'>,
): URL | undefined {
  if (proxy !== undefined) return proxy === 'none' ? undefined : proxy
  const authority = isIPv6(host) ? `[${host}]` : host
  // Whatever leads there, it is TLS that goes through.
  const found = getProxyForUrl(`https://${authority}:${port}`)
  if (found === '') return undefined
  const parsed = URL.canParse(found) ? new URL(found) : undefined
  const isUsable = parsed !== undefined && ['http:', 'https:'].includes(parsed.protocol)
  if (!isUsable) throw new UsageError('HTTPS_PROXY: expected a URL of scheme http or https')
  return parsed
}

function loadTls(
  options: ShootClientOptions,
  context: Pick<DaemonContext, 'optionError'>,
): Watched<CertificateStore> {
  const { tlsCert, tlsKey, tlsCa, tlsCrl } = options
  const flagOf = new Map<string | undefined, Flag>([
    [tlsCrl, 'tls-crl'],
    [tlsCa, 'tls-ca'],
    [tlsCert, 'tls-cert'],
    [tlsKey, 'tls-key'],
  ])
  try {
    const files = { certFile: tlsCert, keyFile: tlsKey, caFile: tlsCa, crlFile: tlsCrl }
    const seen = lookAtFiles(tlsFileList(files))
    return { keeper: new CertificateStore(files, loadTlsMaterial(files)), seen }
  } catch (error) {
    if (!(error instanceof TlsMaterialError)) throw error
    throw context.optionError(flagOf.get(error.file) ?? 'tls-cert', error.message)
  }
}
