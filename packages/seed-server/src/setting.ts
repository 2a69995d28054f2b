import { type DaemonContext, formatEndpoint, lookAtFiles, type TcpEndpoint } from '@reversed-vpn/daemon'
import { CidrSet } from '@reversed-vpn/ip'
import {
  CertificateStore,
  loadTlsMaterial,
  type TlsFiles,
  TlsMaterialError,
  tlsFileList,
} from '@reversed-vpn/secure'
import { type NetworkSetting, resolveNetworks } from './network-setting.js'
import type { SEED_SERVER_OPTIONS, SeedServerOptions } from './options.js'

type Flag = keyof typeof SEED_SERVER_OPTIONS

/** Where shoot-clients connect unless something else is said. */
const DEFAULT_LISTEN: TcpEndpoint = { type: 'tcp', host: '::', port: 1194 }

/** What the options come to, checked against each other. */
export interface Setting extends NetworkSetting {
  readonly options: SeedServerOptions
  /** Which side dials. */
  readonly way: TunnelWay
  readonly tunnelTls: WatchedTls
  /** Absent where every caller comes by a Unix socket. */
  readonly egressTls: WatchedTls | undefined
  /** Where the PROXY protocol is taken from. */
  readonly trustedProxies: CidrSet
}

/** Certificates, and what their files looked like before they were read. */
export interface WatchedTls {
  readonly keeper: CertificateStore
  readonly seen: string
}

/** How connections of the tunnel come about. */
export type TunnelWay =
  | { readonly type: 'listen'; readonly endpoint: TcpEndpoint }
  | { readonly type: 'dial'; readonly endpoint: TcpEndpoint }

/**
 * Checks the options against each other and reads the certificates.
 * @throws UsageError naming the flag
 */
export function resolveSetting(
  options: SeedServerOptions,
  context: Pick<DaemonContext, 'optionError'>,
): Setting {
  const way = chooseWay(options, context)
  const networks = resolveNetworks(options, context)
  if (options.deadAfterMs <= options.keepaliveMs) {
    throw context.optionError('dead-after', `expected more than --keepalive, ${options.keepaliveMs}ms`)
  }
  if (options.reconnectMaxMs < options.reconnectMinMs) {
    throw context.optionError(
      'reconnect-max',
      `expected at least --reconnect-min, ${options.reconnectMinMs}ms`,
    )
  }
  const { egressTlsCert, egressTlsKey, egressTlsCa } = options
  const tunnelTls = loadTls(context, 'tls', {
    certFile: options.tlsCert,
    keyFile: options.tlsKey,
    caFile: options.tlsCa,
    crlFile: options.tlsCrl,
  })
  const hasTcpEgress = options.egressListen.some(({ type }) => type === 'tcp')
  if (
    hasTcpEgress &&
    (egressTlsCert === undefined || egressTlsKey === undefined || egressTlsCa === undefined)
  ) {
    throw context.optionError(
      'egress-tls-cert',
      '--egress-tls-cert, --egress-tls-key and --egress-tls-ca are needed, unless every --egress-listen is unix:/PATH',
    )
  }
  const egressTls =
    egressTlsCert === undefined || egressTlsKey === undefined || egressTlsCa === undefined
      ? undefined
      : loadTls(context, 'egress-tls', {
          certFile: egressTlsCert,
          keyFile: egressTlsKey,
          caFile: egressTlsCa,
        })
  return {
    options,
    way,
    ...networks,
    tunnelTls,
    egressTls,
    trustedProxies: CidrSet.of(options.trustedProxy),
  }
}

function chooseWay(
  { listen, dial }: SeedServerOptions,
  context: Pick<DaemonContext, 'optionError'>,
): TunnelWay {
  if (dial === undefined) return { type: 'listen', endpoint: listen ?? DEFAULT_LISTEN }
  if (listen === undefined) return { type: 'dial', endpoint: dial }
  throw context.optionError(
    'dial',
    'either the seed-server dials or it listens: leave out --dial or --listen',
  )
}

/** The way as a person would say it. */
export function describeWay({ type, endpoint }: TunnelWay): string {
  return `${type === 'dial' ? 'TCP to' : 'listening on'} ${formatEndpoint(endpoint)}`
}

/** Reads a set of certificate files whose flags share a prefix. A file that cannot be used is told by its flag. */
function loadTls(
  context: Pick<DaemonContext, 'optionError'>,
  prefix: 'tls' | 'egress-tls',
  files: TlsFiles,
): WatchedTls {
  const flagOf = new Map<string | undefined, Flag>([
    [files.caFile, `${prefix}-ca`],
    [files.certFile, `${prefix}-cert`],
    [files.keyFile, `${prefix}-key`],
    ...(prefix === 'tls' ? ([[files.crlFile, 'tls-crl']] as const) : []),
  ])
  try {
    const seen = lookAtFiles(tlsFileList(files))
    return { keeper: new CertificateStore(files, loadTlsMaterial(files)), seen }
  } catch (error) {
    if (!(error instanceof TlsMaterialError)) throw error
    throw context.optionError(flagOf.get(error.file) ?? `${prefix}-cert`, error.message)
  }
}
