import { randomBytes } from 'node:crypto'
import type { DaemonContext, TcpEndpoint } from '@reversed-vpn/daemon'
import { CidrSet } from '@reversed-vpn/ip'
import type { CertificateStore } from '@reversed-vpn/secure'
import { directTransport } from '@reversed-vpn/session'
import {
  type LinkSetting,
  loadTls,
  resolveCongestion,
  resolveTunnelSetting,
  type TunnelPath,
  type TunnelSetting,
  type Watched,
} from '@reversed-vpn/tunnel-daemon'
import { resolveAnnouncedLink } from './announced-link.js'
import type { SeedServerOptions } from './options.js'
import { checkProbe } from './probe/check-probe.js'

/** Where shoot-clients connect by default. */
const DEFAULT_LISTEN: TcpEndpoint = { type: 'tcp', host: '::', port: 1194 }

/** What the options come to, checked against each other. */
export interface Setting extends LinkSetting, TunnelSetting {
  /** Which side dials. */
  readonly path: TunnelPath
  /** Tells a shoot-client that is dialled which seed-server it is: 32 hexadecimal digits, new with every process. */
  readonly diallerId: string
  /** Absent where every caller comes by a Unix socket. */
  readonly egressTls: Watched<CertificateStore> | undefined
  /** Where the PROXY protocol is accepted from. */
  readonly trustedProxies: CidrSet
}

/**
 * Checks the options against each other and reads the certificates.
 * @throws UsageError naming the flag; NetworkError
 */
export async function resolveSetting(
  options: SeedServerOptions,
  context: Pick<DaemonContext, 'isGiven' | 'optionError'>,
): Promise<Setting> {
  const congestion = await resolveCongestion(options)
  const link = resolveAnnouncedLink(options, context)
  checkProbe(options, link.networks, context)
  if (options.resolve === 'shoot' && options.carry === 'tun')
    throw context.optionError('resolve', 'the shoot side looks names up for streams only, and --carry is tun')
  return {
    path: choosePath(options, context),
    diallerId: randomBytes(16).toString('hex'),
    ...link,
    egressTls: loadEgressTls(options, context),
    trustedProxies: CidrSet.of(options.trustedProxy),
    ...resolveTunnelSetting(options, congestion, context),
  }
}

function choosePath(
  { listen, dial, maxSegment }: SeedServerOptions,
  { optionError }: Pick<DaemonContext, 'optionError'>,
): TunnelPath {
  if (dial === undefined) return { type: 'listen', endpoint: listen ?? DEFAULT_LISTEN }
  if (listen === undefined) return { type: 'dial', transport: directTransport(dial, { maxSegment }) }
  throw optionError('dial', 'the seed-server either dials or listens: leave out --dial or --listen')
}

function loadEgressTls(
  options: SeedServerOptions,
  context: Pick<DaemonContext, 'optionError'>,
): Watched<CertificateStore> | undefined {
  const {
    egressTlsCert: certFile,
    egressTlsKey: keyFile,
    egressTlsCa: caFile,
    egressTlsCrl: crlFile,
  } = options
  if (certFile !== undefined && keyFile !== undefined && caFile !== undefined)
    return loadTls('egress-tls', { certFile, keyFile, caFile, crlFile }, context)
  // A list that is given and judges nobody would be a trap.
  if (crlFile === undefined && options.egressListen.every(({ type }) => type === 'unix')) return undefined
  throw context.optionError(
    'egress-tls-cert',
    '--egress-tls-cert, --egress-tls-key and --egress-tls-ca are required, unless every --egress-listen is unix:/PATH',
  )
}
