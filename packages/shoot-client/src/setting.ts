import type { DaemonContext } from '@reversed-vpn/daemon'
import { formatEndpoint } from '@reversed-vpn/daemon'
import { loadTlsMaterial, type TlsMaterial, TlsMaterialError } from '@reversed-vpn/session'
import { connectTransport } from './dial/connect-transport.js'
import { directTransport } from './dial/direct-transport.js'
import type { Transport } from './dial/transport.js'
import type { SHOOT_CLIENT_OPTIONS, ShootClientOptions } from './options.js'

type Flag = keyof typeof SHOOT_CLIENT_OPTIONS

/** What the options come to, checked against each other. */
export interface Setting {
  readonly options: ShootClientOptions
  readonly tls: TlsMaterial
  readonly transport: Transport
}

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
  if (options.header.length > 0 && options.gateway === undefined) {
    throw context.optionError('header', 'is sent with CONNECT and needs --gateway')
  }
  return { options, tls: loadTls(options, context), transport: chooseTransport(options) }
}

function chooseTransport({ gateway, server, header }: ShootClientOptions): Transport {
  if (gateway === undefined) return directTransport(server)
  return connectTransport({ gateway, target: formatEndpoint(server), headers: header })
}

function loadTls(options: ShootClientOptions, context: Pick<DaemonContext, 'optionError'>): TlsMaterial {
  const { tlsCert, tlsKey, tlsCa, tlsCrl } = options
  const flagOf = new Map<string | undefined, Flag>([
    [tlsCrl, 'tls-crl'],
    [tlsCa, 'tls-ca'],
    [tlsCert, 'tls-cert'],
    [tlsKey, 'tls-key'],
  ])
  try {
    return loadTlsMaterial({ certFile: tlsCert, keyFile: tlsKey, caFile: tlsCa, crlFile: tlsCrl })
  } catch (error) {
    if (!(error instanceof TlsMaterialError)) throw error
    throw context.optionError(flagOf.get(error.file) ?? 'tls-cert', error.message)
  }
}
