import { type DaemonContext, formatEndpoint, lookAtFiles, type TcpEndpoint } from '@reversed-vpn/daemon'
import { chooseCongestion } from '@reversed-vpn/host-network'
import type { CarriedKind } from '@reversed-vpn/protocol'
import {
  CertificateStore,
  loadTlsMaterial,
  type TlsFiles,
  TlsMaterialError,
  tlsFileList,
} from '@reversed-vpn/secure'
import { PREFERRED_CONGESTION, type SessionOptions, type Transport } from '@reversed-vpn/session'
import { resolveCarriedKinds } from './carried-kinds.js'
import type { TunnelOptions } from './options.js'

interface LaneCongestion {
  /** TCP congestion control of the lanes; undefined is the kernel's default. */
  readonly congestion: string | undefined
  /** Why it is not the preferred one, where nobody asked for another. */
  readonly congestionRefusal: string | undefined
}

/** What the options that both daemons have come to, checked against each other. */
export interface TunnelSetting extends LaneCongestion {
  /** What lanes may carry. */
  readonly carries: readonly CarriedKind[]
  readonly tls: Watched<CertificateStore>
}

/** How a session keeps its lanes. */
export type LaneSetting = Pick<
  SessionOptions,
  'congestion' | 'keepaliveMs' | 'deadAfterMs' | 'rotateAfterMs' | 'rotateAfterRecords'
>

/** A store that is filled from files, and what they looked like before they were read. */
export interface Watched<Store> {
  readonly store: Store
  readonly seen: string
}

/** How connections of the tunnel come about. */
export type TunnelPath =
  | { readonly type: 'dial'; readonly transport: Transport }
  | { readonly type: 'listen'; readonly endpoint: TcpEndpoint }

/** For logs and `/status`. */
export function describePath(path: TunnelPath): string {
  return path.type === 'dial' ? path.transport.description : `listening on ${formatEndpoint(path.endpoint)}`
}

/** Finds out which congestion control is available. @throws NetworkError when `--congestion` is not */
export async function resolveCongestion({ congestion }: TunnelOptions): Promise<LaneCongestion> {
  const { name, refusal } = await chooseCongestion(congestion, PREFERRED_CONGESTION)
  return { congestion: name, congestionRefusal: refusal }
}

/**
 * Checks the shared options against each other, and reads the certificates.
 * @throws UsageError naming the flag
 */
export function resolveTunnelSetting(
  options: TunnelOptions,
  congestion: LaneCongestion,
  context: Pick<DaemonContext, 'isGiven' | 'optionError'>,
): TunnelSetting {
  const carries = resolveCarriedKinds(options, context)
  const { keepaliveMs, deadAfterMs, reconnectMinMs, reconnectMaxMs } = options
  if (deadAfterMs <= keepaliveMs)
    throw context.optionError('dead-after', `expected more than --keepalive, ${keepaliveMs}ms`)
  if (reconnectMaxMs < reconnectMinMs)
    throw context.optionError('reconnect-max', `expected at least --reconnect-min, ${reconnectMinMs}ms`)
  const { tlsCert: certFile, tlsKey: keyFile, tlsCa: caFile, tlsCrl: crlFile } = options
  const tls = loadTls('tls', { certFile, keyFile, caFile, crlFile }, context)
  return { ...congestion, carries, tls }
}

/**
 * Reads a set of certificate files whose flags share a prefix.
 * @throws UsageError naming the flag of the file that cannot be used
 */
export function loadTls(
  prefix: string,
  files: TlsFiles,
  context: Pick<DaemonContext, 'optionError'>,
): Watched<CertificateStore> {
  const suffixOf = new Map([
    [files.crlFile, 'crl'],
    [files.caFile, 'ca'],
    [files.certFile, 'cert'],
    [files.keyFile, 'key'],
  ])
  try {
    const seen = lookAtFiles(tlsFileList(files))
    return { store: new CertificateStore(files, loadTlsMaterial(files)), seen }
  } catch (error) {
    if (!(error instanceof TlsMaterialError)) throw error
    throw context.optionError(`${prefix}-${suffixOf.get(error.file) ?? 'cert'}`, error.message)
  }
}
