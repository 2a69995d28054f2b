import type { Socket } from 'node:net'
import { type DaemonContext, formatEndpoint, lookAtFiles, type TcpEndpoint } from '@reversed-vpn/daemon'
import { TlsMaterialError } from '@reversed-vpn/secure'
import { type DialTarget, type Transport, tuneLaneSocket } from '@reversed-vpn/session'
import {
  resolveCongestion,
  resolveTunnelSetting,
  type TunnelPath,
  type TunnelSetting,
  type Watched,
} from '@reversed-vpn/tunnel-daemon'
import { connectTransport } from './dial/connect-transport.js'
import { GatewayAuthorities } from './dial/gateway-authorities.js'
import { hostOf, portOf, proxiedTransport } from './dial/open-path.js'
import { proxyFromEnvironment } from './dial/proxy-from-environment.js'
import { webSocketTransport } from './dial/web-socket-transport.js'
import type { ShootClientOptions } from './options.js'

/** What the options come to, checked against each other. */
export interface Setting extends TunnelSetting {
  /** CA certificates for a gateway with TLS, where they were given. */
  readonly gatewayCa: Watched<GatewayAuthorities> | undefined
  /** How connections to the seed-server come about. */
  readonly path: TunnelPath
}

/** Flags that are for dialling only. */
const DIAL_FLAGS = ['gateway', 'gateway-ca', 'header', 'sni', 'proxy'] as const

/**
 * Checks the options against each other and reads the certificates.
 * @throws UsageError naming the flag; NetworkError
 */
export async function resolveSetting(
  options: ShootClientOptions,
  context: Pick<DaemonContext, 'isGiven' | 'optionError' | 'environment'>,
): Promise<Setting> {
  const tunnel = resolveTunnelSetting(options, await resolveCongestion(options), context)
  const { listen, server } = options
  if (listen !== undefined) {
    refuseDialFlags(options, context)
    return { ...tunnel, gatewayCa: undefined, path: { type: 'listen', endpoint: listen } }
  }
  if (server === undefined)
    throw context.optionError(
      'server',
      'is not given, expected HOST:PORT, or --listen for the other direction',
    )
  const gatewayCa = loadGatewayCa(options, context)
  const transport = chooseTransport(options, server, { ...tunnel, gatewayCa }, context)
  return { ...tunnel, gatewayCa, path: { type: 'dial', transport } }
}

function refuseDialFlags(
  options: ShootClientOptions,
  { optionError }: Pick<DaemonContext, 'optionError'>,
): void {
  const values = { ...options, 'gateway-ca': options.gatewayCa }
  const unwanted = DIAL_FLAGS.find((flag) => [values[flag] ?? []].flat().length > 0)
  if (unwanted !== undefined)
    throw optionError(
      unwanted,
      `is for dialling, and --listen does not dial: leave out --${unwanted} or --listen`,
    )
}

function chooseTransport(
  options: ShootClientOptions,
  server: TcpEndpoint,
  { congestion, gatewayCa: authorities }: Pick<Setting, 'congestion' | 'gatewayCa'>,
  context: Pick<DaemonContext, 'optionError' | 'environment'>,
): Transport {
  const { gateway, header: headers, deadAfterMs, maxSegment } = options
  if (gateway === undefined) {
    if (headers.length > 0) throw context.optionError('header', 'is sent with CONNECT and needs --gateway')
    return proxiedTransport(server, { proxy: chooseProxy(options, server, context), maxSegment })
  }
  const gatewayCa = authorities?.store
  const proxy = chooseProxy(options, { host: hostOf(gateway), port: portOf(gateway) }, context)
  const hops = { gateway, gatewayCa, proxy, headers, maxSegment }
  if (gateway.protocol === 'ws:' || gateway.protocol === 'wss:') {
    const tune = (socket: Socket) => tuneLaneSocket(socket, { userTimeoutMs: deadAfterMs, congestion })
    return webSocketTransport({ ...hops, tune })
  }
  return connectTransport({ ...hops, target: formatEndpoint(server) })
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
    return { store: new GatewayAuthorities(gatewayCa), seen }
  } catch (error) {
    if (!(error instanceof TlsMaterialError)) throw error
    throw context.optionError('gateway-ca', `cannot be used: ${error.message}`)
  }
}

/** `--proxy`, else the environment variables that other programs use too. */
function chooseProxy(
  { proxy }: ShootClientOptions,
  target: DialTarget,
  { environment }: Pick<DaemonContext, 'environment'>,
): URL | undefined {
  if (proxy !== undefined) return proxy === 'none' ? undefined : proxy
  return proxyFromEnvironment(target, environment)
}
