import type { DaemonContext } from '@reversed-vpn/daemon'
import {
  type AppliedNetwork,
  removeSetUpNetwork,
  type SetUpNetwork,
  type SetupOwner,
} from '@reversed-vpn/host-network'
import { networksOf } from './link-setting.js'
import type { NetworkOptions, SetupOptions } from './options.js'

/** The description of `setup` in the help. */
export function describeSetup(daemon: string): string {
  return (
    `Creates TUN, addresses, routes and firewall and leaves them in place, ` +
    `so that the ${daemon} needs no capability. Accepts all its flags.`
  )
}

/**
 * Runs `setup`, or `setup --undo`.
 * @param setUp creates everything for that owner
 * @throws UsageError, NetworkError
 */
export async function runSetup(
  options: NetworkOptions & Pick<SetupOptions, 'tun' | 'uid' | 'gid' | 'undo'>,
  { log, optionError }: DaemonContext,
  setUp: (owner: SetupOwner) => Promise<SetUpNetwork>,
): Promise<void> {
  const { tun, uid, gid, undo } = options
  if (undo) {
    await removeSetUpNetwork(tun)
    log.info({ tun }, 'network removed')
    return
  }
  if (uid === undefined) throw optionError('uid', 'is not given, expected a user id, or --undo')
  const { warnings, isNew } = await setUp({ uid, gid })
  logWarnings(log, warnings)
  log.info({ tun, uid, gid, isNew, networks: networksOf(options) }, 'network set up')
}

/** What works on this machine, but less well than it could. */
export function logWarnings(log: DaemonContext['log'], warnings: SetUpNetwork['warnings']): void {
  for (const { message, ...fields } of warnings) log.warn(fields, message)
}

/** For the end of a daemon: takes its network away, and says what stays. @throws NetworkError */
export async function closeNetwork(
  network: AppliedNetwork,
  tun: string,
  log: DaemonContext['log'],
): Promise<void> {
  const networks = await network.close()
  if (networks.length === 0) return
  log.info(
    { tun, networks, command: `setup --undo --tun ${tun}` },
    'routes stay, so that nothing for the networks leaves outside the tunnel',
  )
}
