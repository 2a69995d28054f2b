import { readFileSync } from 'node:fs'
import { type Daemon, type DaemonDefinition, defineDaemon, type OptionTable } from '@reversed-vpn/daemon'
import { NetworkError } from '@reversed-vpn/host-network'
import { SyscallError } from '@reversed-vpn/node-tun'

/**
 * Makes a daemon of the tunnel a command. Its version is that of its package.
 * @param manifest where its `package.json` is
 */
export function defineTunnelDaemon<const Table extends OptionTable>(
  manifest: URL,
  definition: Omit<DaemonDefinition<Table>, 'version' | 'isEnvironmentFailure'>,
): Daemon {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return defineDaemon({
    ...definition,
    version,
    isEnvironmentFailure: (error) => error instanceof NetworkError || error instanceof SyscallError,
  })
}
