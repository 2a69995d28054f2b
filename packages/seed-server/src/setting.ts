import type { DaemonContext } from '@reversed-vpn/daemon'
import { CidrSet } from '@reversed-vpn/protocol'
import {
  allNetworks,
  loadTlsMaterial,
  type ShootNetworks,
  type TlsFiles,
  type TlsMaterial,
  TlsMaterialError,
  type TransferAddress,
  transferAddressOf,
} from '@reversed-vpn/session'
import type { SEED_SERVER_OPTIONS, SeedServerOptions } from './options.js'

type Flag = keyof typeof SEED_SERVER_OPTIONS

/** What the options come to, checked against each other. */
export interface Setting {
  readonly options: SeedServerOptions
  readonly networks: ShootNetworks
  readonly seedAddresses: readonly TransferAddress[]
  readonly shootAddresses: readonly TransferAddress[]
  readonly tunnelTls: TlsMaterial
  readonly egressTls: TlsMaterial
}

/**
 * Checks the options against each other and reads the certificates.
 * @throws UsageError naming the flag
 */
export function resolveSetting(
  options: SeedServerOptions,
  context: Pick<DaemonContext, 'optionError'>,
): Setting {
  const networks = { pod: options.podNetwork, service: options.serviceNetwork, node: options.nodeNetwork }
  if (allNetworks(networks).length === 0) {
    throw context.optionError(
      'pod-network',
      'at least one of --pod-network, --service-network, --node-network is needed',
    )
  }
  if (options.deadAfterMs <= options.keepaliveMs) {
    throw context.optionError('dead-after', `expected more than --keepalive, ${options.keepaliveMs}ms`)
  }
  checkTransferNetworks(options.vpnNetwork, networks, context)
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
      ? tunnelTls
      : loadTls(context, 'egress-tls', {
          certFile: egressTlsCert,
          keyFile: egressTlsKey,
          caFile: egressTlsCa,
        })
  return {
    options,
    networks,
    seedAddresses: options.vpnNetwork.map((network) => transferAddressOf(network, 'seed')),
    shootAddresses: options.vpnNetwork.map((network) => transferAddressOf(network, 'shoot')),
    tunnelTls,
    egressTls,
  }
}

function checkTransferNetworks(
  transferNetworks: readonly string[],
  networks: ShootNetworks,
  context: Pick<DaemonContext, 'optionError'>,
): void {
  const families = transferNetworks.map((network) => transferAddressOf(network, 'seed').family)
  if (families.length === 0 || new Set(families).size < families.length) {
    throw context.optionError('vpn-network', 'expected one network of a family, at least one')
  }
  if (CidrSet.of(transferNetworks).overlaps(CidrSet.of(allNetworks(networks)))) {
    throw context.optionError('vpn-network', "overlaps one of the shoot's networks")
  }
}

/** Reads a set of certificate files whose flags share a prefix. A file that cannot be used is told by its flag. */
function loadTls(
  context: Pick<DaemonContext, 'optionError'>,
  prefix: 'tls' | 'egress-tls',
  files: TlsFiles,
): TlsMaterial {
  const flagOf = new Map<string | undefined, Flag>([
    [files.caFile, `${prefix}-ca`],
    [files.certFile, `${prefix}-cert`],
    [files.keyFile, `${prefix}-key`],
    ...(prefix === 'tls' ? ([[files.crlFile, 'tls-crl']] as const) : []),
  ])
  try {
    return loadTlsMaterial(files)
  } catch (error) {
    if (!(error instanceof TlsMaterialError)) throw error
    throw context.optionError(flagOf.get(error.file) ?? `${prefix}-cert`, error.message)
  }
}
