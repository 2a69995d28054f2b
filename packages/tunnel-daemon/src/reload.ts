import { isDeepStrictEqual } from 'node:util'
import {
  countReloads,
  type DaemonContext,
  metricsPrefix,
  Reloader,
  type ReloadPart,
} from '@reversed-vpn/daemon'
import type { CertificateStore, TlsChange, TlsMaterial } from '@reversed-vpn/secure'
import { TRUST_GRACE_DEAD_TIMES } from '@reversed-vpn/session'
import type { NetworkOptions, TunnelOptions } from './options.js'
import type { TunnelRuntime } from './tunnel-runtime.js'
import type { TunnelSetting, Watched } from './tunnel-setting.js'

/** What brings connections of the tunnel. */
export interface TunnelEntrance {
  /** Accepts or dials no more; lanes that are up stay. Idempotent. */
  close(): void | Promise<void>
  /** Used for every connection from now on. @param isTrustNarrower whether unfinished connections must be cut */
  setTlsMaterial(material: TlsMaterial, isTrustNarrower: boolean): void
}

/** What has lanes: a session table, or a session manager. */
interface LaneOwner {
  /** Has every lane replaced. @param withinMs those of today that are still there then are ended. @default they stay */
  renewLanes(withinMs?: number): void
}

/** What is reloaded in both daemons, and what uses it. */
export interface TunnelReload {
  readonly options: TunnelOptions
  readonly setting: TunnelSetting
  readonly runtime: TunnelRuntime
  readonly entrance: TunnelEntrance
  readonly lanes: LaneOwner
}

/** Reloads the certificates of the tunnel and the other parts from now on, until the process ends. */
export function startReloading(
  tunnel: TunnelReload,
  others: readonly (ReloadPart | undefined)[],
  { name, log, defer }: DaemonContext,
): Reloader {
  const parts = [tunnelTlsPart(tunnel), ...others].filter((part) => part !== undefined)
  const names = parts.map((part) => part.name)
  const reloader = new Reloader({
    parts,
    log: log.child({ component: 'reload' }),
    onOutcome: countReloads(tunnel.runtime.registry, metricsPrefix(name), names),
  })
  defer('watched files', () => reloader.close())
  reloader.watch()
  return reloader
}

/** A peer that the new certificates do not let in any more has a while to come with others. */
function tunnelTlsPart({ options, setting, runtime, entrance, lanes }: TunnelReload): ReloadPart {
  return tlsReloadPart('tunnel', setting.tls, runtime, (material, { isOwnNew, isTrustNarrower }) => {
    entrance.setTlsMaterial(material, isTrustNarrower)
    if (isTrustNarrower) lanes.renewLanes(TRUST_GRACE_DEAD_TIMES * options.deadAfterMs)
    else if (isOwnNew) lanes.renewLanes()
  })
}

/** A set of certificate files. `take` puts other ones in force. Their expiry is watched as `use`, from now on. */
export function tlsReloadPart(
  use: string,
  { store, seen }: Watched<CertificateStore>,
  { expiry }: TunnelRuntime,
  take: (material: TlsMaterial, change: TlsChange) => void,
): ReloadPart {
  expiry.set(use, store.material.certificates)
  const reload = () =>
    store.reload((material, change) => {
      take(material, change)
      expiry.set(use, material.certificates)
    })
  return { name: `${use}-tls`, files: store.files, seen, reload }
}

/** What takes networks, and what goes with them, while the daemon runs. */
interface NetworksOwner<Options, Taken> {
  /** The flags that `read` looks at beside those of the networks. @default none */
  readonly flags?: readonly string[]
  /** What the options say. It is logged when it is taken. */
  read(options: Options): Taken
  /** What was taken last. */
  current(): Taken
  /**
   * Puts it in force. That of before stays when it throws.
   * @throws UsageError, NetworkError
   */
  take(taken: Taken, optionError: DaemonContext['optionError']): Promise<void>
}

/** `--pod-network` and its siblings in the `--config` file. What else changed there needs a restart, which is logged. */
export function networksReloadPart<Options extends NetworkOptions, Taken extends object>(
  { config, log }: DaemonContext<Options>,
  { flags = [], read, current, take }: NetworksOwner<Options, Taken>,
): ReloadPart | undefined {
  if (config === undefined) return undefined
  const { path, seen, reread } = config
  const reload = async () => {
    const { values, changed, optionError } = reread()
    const others = changed.filter(
      (flag) => !/^(pod|service|node)-network$/.test(flag) && !flags.includes(flag),
    )
    if (others.length > 0)
      log.warn({ file: path, options: others }, 'restart needed for these changed options')
    const wanted = read(values)
    if (isDeepStrictEqual(wanted, current())) return undefined
    await take(wanted, optionError)
    return { file: path, ...wanted }
  }
  return { name: 'networks', files: [path], seen, reload }
}
